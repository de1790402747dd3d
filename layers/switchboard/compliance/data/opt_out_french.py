"""Patterns of plain French words without accents: requests for no more calls, and phrases that only look like one.

Canada's numbers are served, and its rules on telemarketing let a called person ask in any words (CRTC, Unsolicited
Telecommunications Rules, part III). The patterns have the same form as the English ones (`opt_out_english`). An
apostrophe joins two words: "ne m'appelez" is "ne mappelez".
"""

from __future__ import annotations

_APPEL = r"(?:appel(?:ez?|es|er|le[sz]?)|telephon(?:ez?|er)|rappel(?:ez?|er|le[sz]?)|contact(?:ez?|er))"
_ECRIT = r"(?:ecri(?:vez|s|re)|text(?:ez?|er)|envoy(?:ez?|er)|derang(?:ez?|er)|harcel(?:ez?|er)|embet(?:ez?|er))"
_ACTE = rf"(?:{_APPEL}|{_ECRIT})"
#: "Plus tard" is later, and "plus souvent" is more often.
_LATER = r"(?! (?:tard|tot|souvent|vite|longtemps|rapidement|frequemment)\b)"
_PLUS = rf"(?:plus(?: jamais)?{_LATER}|jamais)"
#: Words after "don't call me" that mean another time or another number.
_AILLEURS = (
    r"(?:avant|apres|pendant|entre|quand|lorsque|tant que|jusqua|aujourdhui|maintenant|demain|le (?:matin|soir|lundi"
    r"|mardi|mercredi|jeudi|vendredi|samedi|dimanche)|la nuit|si (?:tot|tard)|trop (?:tot|tard)|a cette heure"
    r"|a mon travail|au (?:travail|bureau)|monsieur|madame|mademoiselle|comme ca)"
)
_OTER = r"(?:retir|enlev|supprim|effac|ray|radi|desinscri|desabonn|ot)"
_DE_LISTE = (
    r"(?: (?:de|des|du|sur)(?: \w+){0,3}? (?:listes?|registres?|fichiers?|systemes?|base|appels|envois)\b(?! dattente))"
)
_FIN = r"(?=$| (?:sil vous plait|svp|merci|maintenant|tout de suite|immediatement|et)\b)"
_NUMERO = r"(?:mon|ce|notre|le)(?: \w+)? (?:numero|nom|telephone|cellulaire)\b"

NO_WISHES = (
    rf"\bne (?:me |nous |m|n)?{_ACTE}(?: pas)? {_AILLEURS}\b(?! ni jamais)",
    # The opposite: "don't stop calling", "don't remove me".
    r"\b(?:n|ne )(?:arretez?|arretes|cessez?)(?: pas| jamais)\b(?: \w+){0,3}",
    rf"\bne (?:me|nous) {_OTER}\w*(?: pas)\b(?: \w+){{0,4}}",
    # A question, or nobody is addressed.
    r"\bpourquoi (?:vous )?ne (?:me |nous |m)?\w+(?: vous)? (?:pas|plus|jamais)\b",
    # A number that is not to be called, and another one that is.
    (
        rf"\bne (?:me |nous |m)?{_APPEL} pas (?:a ce numero|sur (?:ce|mon)(?: \w+)?)(?: \w+){{0,2}}?"
        r" (?:appelez|telephonez|rappelez)\b"
    ),
)
WISHES = (
    rf"\b(?:ne )?(?:m|me |nous ){_ACTE} (?:{_PLUS}|pas)\b",
    rf"\b(?:ne |n){_PLUS} (?:m|me |nous |jamais )*{_ACTE}\b",
    rf"\b(?:ne |n){_ACTE} {_PLUS}\b",
    rf"\b{_ACTE} (?:moi|nous) (?:plus jamais|jamais)\b",
    rf"\bne {_APPEL} (?:plus|pas) (?:ici|ce numero|a ce numero|chez)\b",
    r"\b(?:ne )?(?:m|me |nous )(?:envoyez|envoie|ecrivez) (?:plus|pas) (?:de|rien|jamais)\b",
    (
        r"\b(?:arretez?|arretes|cessez?|finissez)(?: tout de suite| svp| sil vous plait)* (?:de |d)(?:m|me |nous )?"
        rf"(?:{_ACTE}|appels?\b)"
    ),
    (
        r"\b(?:arretez?|cessez?|plus|assez|fini)(?: (?:avec|tous|toutes|vos|les|ces|de|des))*"
        r" (?:d?appels|messages|textos|courriels|sms)\b"
    ),
    (
        r"\bj?(?:ne )?(?:veux|souhaite|desire|voudrais|accepte|autorise) (?:plus|pas)"
        r"(?! (?:manquer|rater|perdre|attendre))(?: \w+){0,3}? "
        r"(?:[dlm]?appels?|[mn]?appele[es]*|[mn]?appeliez|contacte[es]*|contactiez|messages?|textos?|derange[es]*"
        r"|sollicite[es]*|sollicitations?)\b"
    ),
    rf"\b{_OTER}(?:ez|e|er|ons|s|vez|sez|re)?(?: moi| nous|moi|nous)(?:{_DE_LISTE}|{_FIN})",
    rf"\b(?:me |nous |m){_OTER}(?:er|ez|re|vez|se[rz])?{_DE_LISTE}",
    rf"\b{_OTER}(?:ez|e|er) {_NUMERO}",
    r"\b(?:laissez|fichez|foutez)(?: moi| nous|moi|nous) (?:tranquille?s?|la paix|en paix)\b",
    r"\b(?:je )?(?:retire|revoque|annule|retirer|revoquer) (?:mon |tout )?(?:consentement|accord|autorisation)\b",
    r"\bliste (?:des )?(?:numeros )?(?:de telecommunication )?exclus?(?:ion)?\b",
)
