"""The states and time zones of American area codes.

An area code is only a guess about the place of a number's holder, so each code has every zone in which it has numbers.
One zone stands for all zones with the same clock today: `America/New_York` also for Detroit, Louisville and the Indiana
counties on Eastern time, `America/Denver` also for Boise, `America/Chicago` also for the Dakotas' own zones. If their
clocks ever differ, they need rows of their own.

Sources: the plan administrator's list of geographic codes, with overlays in service or approved (as known at the end
of 2025); the zone boundaries of 49 CFR part 71; county by county comparison for the codes that straddle a boundary.
A test compares the table with the metadata of `phonenumbers`: every American code there must be here, too. A code in
neither has no zone, and the gate refuses it.
"""

from __future__ import annotations

from datetime import date

VERSION = "2025-12-31"
#: The next date to compare the table with the list of the plan administrator.
REVIEW_BY = date(2027, 6, 30)

EASTERN = "America/New_York"
CENTRAL = "America/Chicago"
MOUNTAIN = "America/Denver"
ARIZONA = "America/Phoenix"
PACIFIC = "America/Los_Angeles"
ALASKA = "America/Anchorage"
ALEUTIAN = "America/Adak"
HAWAII = "Pacific/Honolulu"
ATLANTIC = "America/Puerto_Rico"
VIRGIN_ISLANDS = "America/St_Thomas"
GUAM = "Pacific/Guam"
SAIPAN = "Pacific/Saipan"
SAMOA = "Pacific/Pago_Pago"

#: Every geographic code by state or territory, with its zone unless `_STRADDLING` has another.
_CODES: dict[str, tuple[str, str]] = {
    "AK": (ALASKA, "907"),
    "AL": (CENTRAL, "205 251 256 334 483 659 938"),
    "AR": (CENTRAL, "327 479 501 870"),
    "AS": (SAMOA, "684"),
    "AZ": (ARIZONA, "480 520 602 623 928"),
    "CA": (
        PACIFIC,
        (
            "209 213 279 310 323 341 350 357 369 408 415 424 442 510 530 559 562 619 626 628 650 657 661 669 707 714 "
            "738 747 760 805 818 820 831 837 840 858 909 916 925 949 951"
        ),
    ),
    "CO": (MOUNTAIN, "303 719 720 748 970 983"),
    "CT": (EASTERN, "203 475 860 959"),
    "DC": (EASTERN, "202 771"),
    "DE": (EASTERN, "302"),
    "FL": (
        EASTERN,
        "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954",
    ),
    "GA": (EASTERN, "229 404 470 478 678 706 762 770 912 943"),
    "GU": (GUAM, "671"),
    # Midway and Wake are left out: a few people live there with 808 numbers, on military clocks.
    "HI": (HAWAII, "808"),
    "IA": (CENTRAL, "319 515 563 641 712"),
    "ID": (MOUNTAIN, "208 986"),
    "IL": (CENTRAL, "217 224 309 312 331 447 464 618 630 708 730 773 779 815 847 861 872"),
    "IN": (EASTERN, "219 260 317 463 574 765 812 930"),
    "KS": (CENTRAL, "316 620 785 913"),
    "KY": (EASTERN, "270 364 502 606 859"),
    "LA": (CENTRAL, "225 318 337 457 504 985"),
    "MA": (EASTERN, "339 351 413 508 617 774 781 857 978"),
    "MD": (EASTERN, "227 240 301 410 443 667"),
    "ME": (EASTERN, "207"),
    "MI": (EASTERN, "231 248 269 313 517 586 616 679 734 810 906 947 989"),
    "MN": (CENTRAL, "218 320 507 612 651 763 924 952"),
    "MO": (CENTRAL, "235 314 417 557 573 636 660 816 975"),
    "MP": (SAIPAN, "670"),
    "MS": (CENTRAL, "228 471 601 662 769"),
    "MT": (MOUNTAIN, "406"),
    "NC": (EASTERN, "252 336 472 704 743 828 910 919 980 984"),
    "ND": (CENTRAL, "701"),
    "NE": (CENTRAL, "308 402 531"),
    "NH": (EASTERN, "603"),
    "NJ": (EASTERN, "201 551 609 640 732 848 856 862 908 973"),
    "NM": (MOUNTAIN, "505 575"),
    "NV": (PACIFIC, "702 725 775"),
    "NY": (
        EASTERN,
        "212 315 329 332 347 363 465 516 518 585 607 624 631 646 680 716 718 838 845 914 917 929 934",
    ),
    "OH": (EASTERN, "216 220 234 283 326 330 380 419 436 440 513 567 614 740 937"),
    # Kenton (under twenty people, 580) keeps Mountain time by custom; the state's legal time is Central.
    "OK": (CENTRAL, "405 539 572 580 918"),
    "OR": (PACIFIC, "458 503 541 971"),
    "PA": (EASTERN, "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878"),
    "PR": (ATLANTIC, "787 939"),
    "RI": (EASTERN, "401"),
    "SC": (EASTERN, "803 821 839 843 854 864"),
    "SD": (CENTRAL, "605"),
    "TN": (CENTRAL, "423 615 629 729 731 865 901 931"),
    "TX": (
        CENTRAL,
        (
            "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 915 936 940 945 "
            "956 972 979"
        ),
    ),
    "UT": (MOUNTAIN, "385 435 801"),
    "VA": (EASTERN, "276 434 540 571 686 703 757 804 826 948"),
    "VI": (VIRGIN_ISLANDS, "340"),
    "VT": (EASTERN, "802"),
    "WA": (PACIFIC, "206 253 360 425 509 564"),
    "WI": (CENTRAL, "262 274 353 414 534 608 715 920"),
    "WV": (EASTERN, "304 681"),
    "WY": (MOUNTAIN, "307"),
}

#: Codes with other zones than their state's row, with the reason.
_STRADDLING: dict[str, tuple[str, ...]] = {
    "208": (MOUNTAIN, PACIFIC),  # ID: the panhandle north of the Salmon River keeps Pacific time.
    "986": (MOUNTAIN, PACIFIC),  # Overlay of 208.
    "219": (CENTRAL, EASTERN),  # IN: the north-western counties, and exchanges in Pulaski County.
    "270": (CENTRAL, EASTERN),  # KY: the west, and counties around Fort Knox.
    "364": (CENTRAL, EASTERN),  # Overlay of 270.
    "308": (CENTRAL, MOUNTAIN),  # NE: the panhandle and the south-west.
    "334": (CENTRAL, EASTERN),  # AL: Phenix City, Smiths Station, Lanett and Valley live by Georgia's clock.
    "483": (CENTRAL, EASTERN),  # Overlay of 334.
    "402": (CENTRAL, MOUNTAIN),  # NE: Cody, in the western half of Cherry County.
    "531": (CENTRAL, MOUNTAIN),  # Overlay of 402.
    "423": (EASTERN, CENTRAL),  # TN: Bledsoe, Marion and Sequatchie Counties beside Chattanooga.
    "729": (EASTERN, CENTRAL),  # Overlay of 423.
    "458": (PACIFIC, MOUNTAIN),  # OR: overlay of 541.
    "541": (PACIFIC, MOUNTAIN),  # OR: most of Malheur County.
    "574": (EASTERN, CENTRAL),  # IN: Starke County.
    "605": (CENTRAL, MOUNTAIN),  # SD: the Missouri is the boundary, by and large.
    "606": (EASTERN, CENTRAL),  # KY: Clinton County and its neighbors.
    "620": (CENTRAL, MOUNTAIN),  # KS: Greeley and Hamilton Counties.
    "701": (CENTRAL, MOUNTAIN),  # ND: the south-west.
    "775": (PACIFIC, MOUNTAIN),  # NV: West Wendover, and Jackpot.
    "785": (CENTRAL, MOUNTAIN),  # KS: Sherman and Wallace Counties.
    "812": (EASTERN, CENTRAL),  # IN: the counties around Evansville, and Perry County.
    "930": (EASTERN, CENTRAL),  # Overlay of 812.
    "850": (CENTRAL, EASTERN),  # FL: the Apalachicola is the boundary.
    "448": (CENTRAL, EASTERN),  # Overlay of 850.
    "906": (EASTERN, CENTRAL),  # MI: the four counties on Wisconsin's border.
    "907": (ALASKA, ALEUTIAN),  # AK: the Aleutians west of 169° 30' W.
    "928": (ARIZONA, MOUNTAIN),  # AZ: the Navajo Nation moves its clocks, the state does not.
    # One zone, but not the state's own.
    "865": (EASTERN,),  # TN: Knoxville.
    "915": (MOUNTAIN,),  # TX: El Paso and Hudspeth Counties.
}

#: By area code: its state or territory, and every zone in which it has numbers.
AREA_CODES: dict[str, tuple[str, tuple[str, ...]]] = {
    code: (state, _STRADDLING.get(code, (zone,))) for state, (zone, codes) in _CODES.items() for code in codes.split()
}

#: Canadian codes with zones that the library does not name for all of their prefixes.
CANADIAN_ZONES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("236", "250", "257", "672", "778"),  # BC: the Peace River and Kootenay regions keep Mountain time
        ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),
    ),
    **dict.fromkeys(("306", "474", "639"), ("America/Regina", "America/Edmonton")),  # SK: Lloydminster
    **dict.fromkeys(("367", "418", "581"), ("America/Toronto", "America/Halifax")),  # QC: the Magdalen Islands
    "807": ("America/Toronto", "America/Winnipeg"),  # ON: west of 90°
    "867": ("America/Whitehorse", "America/Edmonton", "America/Winnipeg", "America/Toronto"),  # all three territories
    **dict.fromkeys(("709", "879"), ("America/St_Johns", "America/Halifax")),  # NL: Labrador
}

#: Territories are not states: federal law applies, and each has its own ISO 3166 code.
TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "VI"})

#: Toll-free codes, in use and reserved. They belong to no place.
TOLL_FREE = frozenset({"800", "822", "833", "844", "855", "866", "877", *(f"88{last}" for last in range(10))})

#: Toll-free codes, and codes of personal, premium, government and machine numbers. They belong to no place.
NON_GEOGRAPHIC = TOLL_FREE | {
    *("456", "500", "700", "710", "900"),
    *(str(code) for code in [*range(521, 530), 532, 533, 535, 538, *range(542, 548), 549, 550, 552, 553, 554, 556]),
    *(str(code) for code in [566, 569, 577, 578, 588, 589]),
}
