"""Slugs are unique, also under races, and name an organization."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations, slugs, store
from switchboard.accounts.models import Organization
from switchboard.accounts.plans import PlanName
from switchboard.aws import dynamodb
from switchboard.aws.writes import commit, write_item
from switchboard.errors import Conflict, NotFound
from tests.actors import system

pytestmark = pytest.mark.usefixtures("cloud")


def create(slug: str, *, is_slug_derived: bool = False) -> Organization:
    org = organizations.new_organization(slug.title(), slug, PlanName.FREE)
    commit(organizations.organization_writes(system(org.id), org, is_slug_derived=is_slug_derived))
    return org


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lakeside Clinic", "lakeside-clinic"),
        ("  Été & Fils!  ", "ete-fils"),
        ("日本", "organization"),
        ("-", "organization"),
    ],
)
def test_a_name_suggests_a_slug(name: str, expected: str) -> None:
    assert slugs.slug_of(name) == expected


def test_a_second_organization_cannot_have_a_slug() -> None:
    first = create("acme")
    with pytest.raises(Conflict, match="choose another slug") as refused:
        create("acme")
    assert refused.value.code == "slug_taken"
    assert [org.id for org in organizations.list_organizations(9)[0]] == [first.id]


def test_a_taken_slug_gets_an_ending_that_still_fits() -> None:
    assert slugs.free_slug("acme") == "acme"
    create("acme")
    assert slugs.free_slug("acme").startswith("acme-")
    create("a" * 60)
    assert len(slugs.free_slug("a" * 60)) == 63


def test_an_organization_is_found_by_its_id_and_its_slug() -> None:
    org = create("acme")
    assert slugs.find_organization(org.id).id == slugs.find_organization("acme").id == org.id
    for name in ("other", "org_none"):
        with pytest.raises(NotFound):
            slugs.find_organization(name)


def test_an_organization_without_a_claim_is_found_unless_there_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slugs, "_PAGE", 2)
    old = create("old")
    for number in range(4):
        create(f"o{number}")
    write_item(store.slug_delete_write(old))
    assert slugs.find_organization("old").id == old.id
    second = create("old")
    assert slugs.find_organization("old").id == second.id, "the claim decides"
    write_item(store.slug_delete_write(second))
    with pytest.raises(Conflict, match="Several organizations"):
        slugs.find_organization("old")


def test_a_rename_moves_the_claim() -> None:
    org, other = create("acme"), create("other")
    renamed = slugs.rename_organization(system(org.id), "Acme Inc", "acme-inc")
    assert (renamed.name, renamed.slug) == ("Acme Inc", "acme-inc")
    assert slugs.find_organization("acme-inc") == organizations.get_organization(org.id) == renamed
    with pytest.raises(NotFound):
        slugs.find_organization("acme")
    create("acme")
    with pytest.raises(Conflict):
        slugs.rename_organization(system(org.id), None, "other")
    assert slugs.find_organization("other").id == other.id
    assert slugs.rename_organization(system(org.id), "Acme Inc", "acme-inc") == renamed, "nothing changes"


def test_one_of_two_concurrent_renames_to_a_slug_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = create("one"), create("two")
    commit_really = slugs.commit

    def commit_second(*writes: Any) -> None:
        monkeypatch.setattr(slugs, "commit", commit_really)
        slugs.rename_organization(system(two.id), None, "wanted")
        commit_really(*writes)

    monkeypatch.setattr(slugs, "commit", commit_second)
    with pytest.raises(Conflict):
        slugs.rename_organization(system(one.id), None, "wanted")
    assert slugs.find_organization("wanted").id == two.id
    assert slugs.find_organization("one").id == one.id, "the loser keeps its slug"


def test_concurrent_renames_of_one_organization_leave_one_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    org = create("first")
    monkeypatch.setattr(dynamodb, "pause_before_retry", lambda _: None)
    commit_really = slugs.commit

    def commit_second(*writes: Any) -> None:
        monkeypatch.setattr(slugs, "commit", commit_really)
        slugs.rename_organization(system(org.id), None, "second")
        commit_really(*writes)

    monkeypatch.setattr(slugs, "commit", commit_second)
    assert slugs.rename_organization(system(org.id), None, "third").slug == "third"
    assert [store.find_slug_owner(slug) for slug in ("first", "second", "third")] == [None, None, org.id]
