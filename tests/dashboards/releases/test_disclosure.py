"""What is withheld, and that nothing that is published gives it back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_

from dashboards.releases import disclosure
from dashboards.releases.disclosure import DisclosureArea, DisclosureGroup
from reports.calendar.publishing import CATALOGUE
from reports.instruments.schema import CALCULATED, HARD, Expression, Question, Schema, Text
from reports.instruments.xlsform import contents_of, read

no_clock = settings(deadline=None)
GROUPS = [
    DisclosureGroup(("intimidasi",), (0,)),
    DisclosureGroup(("surat_rusak",), (1,)),
    DisclosureGroup(("dpt_l", "dpt_p"), ()),
]
K = st.integers(1, 4)
# reports and, for each of two problems and a sum, how many reports found it: at most all of them
VILLAGE = st.integers(0, 5).flatmap(
    lambda reports: st.tuples(st.just(reports), st.integers(0, reports), st.integers(0, reports), st.integers(0, 900))
)
TREES = st.lists(st.lists(st.lists(VILLAGE, max_size=4), max_size=4), max_size=3)
Areas = dict[str, DisclosureArea[str]]


def areas_of(tree: list[list[list[tuple[int, ...]]]], one_filer: bool = False) -> Areas:
    """A province of regencies of districts of villages. one_filer: each village's reports are one person's."""
    found: Areas = {}
    for r, regency in enumerate(tree):
        for d, district in enumerate(regency):
            for v, (reports, *vector) in enumerate(district):
                supervisors = min(reports, 1) if one_filer else reports
                vector = [value if reports else 0 for value in vector]
                found[f"0/{r}/{d}/{v}"] = DisclosureArea(f"0/{r}/{d}", 3, reports, supervisors, vector)
            found[f"0/{r}/{d}"] = _sum(found, f"0/{r}/{d}", f"0/{r}", 2)
        found[f"0/{r}"] = _sum(found, f"0/{r}", "0", 1)
    found["0"] = _sum(found, "0", None, 0)
    return found


def _sum(found: Areas, key: str, parent: str | None, level: int) -> DisclosureArea[str]:
    parts = [area for area in found.values() if area.parent == key]
    vector = [sum(part.vector[at] for part in parts) for at in range(3)]
    return DisclosureArea(
        parent, level, sum(part.reports for part in parts), sum(part.supervisors for part in parts), vector
    )


def known_ranges(areas: Areas, hidden: set[str], at: int) -> dict[str, tuple[int, int]]:
    """What a reader can say of every area's cell who adds and subtracts all that is published: (least, most).

    Every sum is the sum of its parts. The sums form a tree, so narrowing each by its own equation until nothing changes
    gives the exact ranges.
    """
    ranges = {
        key: (0, area.reports) if key in hidden else (area.vector[at], area.vector[at]) for key, area in areas.items()
    }
    parts = defaultdict(list)
    for key, area in areas.items():
        if area.parent is not None:
            parts[area.parent].append(key)
    while True:
        old = dict(ranges)
        for whole, some in parts.items():
            least, most = (sum(ranges[part][side] for part in some) for side in (0, 1))
            low, high = ranges[whole] = max(ranges[whole][0], least), min(ranges[whole][1], most)
            for part in some:
                others = [(least - ranges[part][0]), (most - ranges[part][1])]
                ranges[part] = max(ranges[part][0], low - others[1]), min(ranges[part][1], high - others[0])
                least, most = others[0] + ranges[part][0], others[1] + ranges[part][1]
        if ranges == old:
            return ranges


def telling(area: DisclosureArea[str], at: int, k: int) -> bool:
    """Found by few, or by all: either says of somebody that they reported it."""
    return 0 < area.vector[at] < k or (k > 1 and 0 < area.vector[at] == area.reports)


def hidden_of(found: dict[str, frozenset[int]], number: int) -> set[str]:
    return {key for key, numbers in found.items() if number in numbers}


@settings(deadline=None, max_examples=400)
@given(TREES, st.booleans(), K)
def test_no_reader_can_compute_a_small_cell_of_a_village(tree: list, one_filer: bool, k: int) -> None:
    areas = areas_of(tree, one_filer)
    found = disclosure.withheld(areas, GROUPS, k=k)
    for number, group in enumerate(GROUPS):
        for at in group.problems:
            ranges = known_ranges(areas, hidden_of(found, number), at)
            for key, area in areas.items():
                if area.level == 3 and telling(area, at, k):
                    least, most = ranges[key]
                    assert least < most, (key, at, found)
                    assert least <= area.vector[at] <= most


@settings(deadline=None, max_examples=400)
@given(TREES, st.booleans(), K)
def test_every_number_and_every_difference_rests_on_enough_supervisors(tree: list, one_filer: bool, k: int) -> None:
    areas = areas_of(tree, one_filer)
    found = disclosure.withheld(areas, GROUPS, k=k)

    def left_over(key: str, hidden: set[str]) -> int:
        """Supervisors behind a published sum less everything published below it."""
        parts = [name for name, area in areas.items() if area.parent == key]
        behind = 0
        for part in parts:
            if part in hidden:
                behind += left_over(part, hidden) if areas[part].level < 3 else areas[part].supervisors
        return behind

    for number in range(len(GROUPS)):
        hidden = hidden_of(found, number)
        for key, area in areas.items():
            if key not in hidden and area.reports:
                assert area.supervisors >= k
                assert left_over(key, hidden) == 0 or left_over(key, hidden) >= k, (key, found)


@no_clock
@given(TREES, K)
def test_only_what_needs_it_is_withheld(tree: list, k: int) -> None:
    """Where nobody is alone and no problem is rare, everything is published; no sum above is withheld for nothing."""
    areas = areas_of(tree)
    harmless = {
        key: area for key, area in areas.items() if area.level == 3 and (area.supervisors >= k or not area.reports)
    }
    villages = [key for key, area in areas.items() if area.level == 3]
    small = any(telling(areas[key], at, k) for key in villages for at in (0, 1))
    if len(harmless) == len(villages) and not small:
        assert not disclosure.withheld(areas, GROUPS, k=k)
    assert not disclosure.withheld(areas, GROUPS, k=1)


def test_a_district_of_many_villages_stays_exact() -> None:
    villages = [(11, 1, 0, 500), (9, 0, 0, 400), (8, 0, 4, 300)]
    found = disclosure.withheld(areas_of([[villages]]), GROUPS, k=3)
    assert found == {"0/0/0/0": {0}, "0/0/0/1": {0}}  # the second stands beside the first, so that nobody can subtract


def test_two_small_ones_shield_each_other() -> None:
    found = disclosure.withheld(areas_of([[[(11, 1, 0, 0), (9, 1, 0, 0), (8, 0, 0, 0)]]]), GROUPS, k=3)
    assert found == {"0/0/0/0": {0}, "0/0/0/1": {0}}


def test_the_greatest_small_ones_do_not_give_each_other_away() -> None:
    """Of two cells below 3 whose sum is 4 each is 2; a third one beside them could be any of them."""
    found = disclosure.withheld(areas_of([[[(11, 2, 0, 0), (9, 2, 0, 0), (8, 0, 0, 0)]]]), GROUPS, k=3)
    assert found == {f"0/0/0/{village}": {0} for village in range(3)}


def test_a_village_with_few_reports_says_nothing_and_takes_one_along() -> None:
    found = disclosure.withheld(areas_of([[[(1, 0, 0, 274), (9, 0, 3, 400), (8, 3, 0, 300)]]]), GROUPS, k=3)
    assert found == {"0/0/0/0": {0, 1, 2}, "0/0/0/2": {0, 1, 2}}


def test_a_district_with_one_village_is_withheld_with_it_and_shielded_by_another() -> None:
    areas = areas_of([[[(4, 1, 0, 0)], [(7, 0, 0, 0), (6, 0, 0, 0)]]])
    found = disclosure.withheld(areas, GROUPS, k=3)
    assert found == {"0/0/0/0": {0}, "0/0/0": {0}, "0/0/1": {0}, "0/0/1/0": {0}}


def test_where_every_report_found_it_the_sum_goes_too() -> None:
    """Two of two and three of three: the sum, five of five, would say both."""
    areas = areas_of([[[(2, 2, 0, 0), (3, 3, 0, 0)]], [[(9, 1, 0, 0), (9, 3, 0, 0)]]])
    found = disclosure.withheld(areas, GROUPS[:1], k=3)
    assert {"0/0/0", "0/0"} <= found.keys()
    assert "0" not in found


def test_what_everybody_found_names_everybody() -> None:
    found = disclosure.withheld(areas_of([[[(5, 5, 0, 0), (7, 0, 0, 0)]]]), GROUPS[:1], k=3)
    assert found == {"0/0/0/0": {0}, "0/0/0/1": {0}}


@pytest.mark.parametrize(
    ("found", "told"), [(0, True), (1, False), (3, False), (6, False), (7, True), (12, True), (13, False)]
)
def test_several_reports_of_one_supervisor_are_one_persons_word(found: int, told: bool) -> None:
    """Five supervisors over three days: six problems may be two people's, thirteen of fifteen everybody's."""
    village = DisclosureArea("0", 3, 15, 5, [found], each=3)
    beside = DisclosureArea("0", 3, 15, 5, [0], each=3)
    areas = {"0": DisclosureArea(None, 2, 30, 10, [found], each=3), "0/0": village, "0/1": beside}
    hidden = disclosure.withheld(areas, GROUPS[:1], k=3)
    assert ("0/0" not in hidden) == told
    assert not disclosure.withheld(areas, GROUPS[:1], k=1)


def test_of_several_that_would_do_the_one_withheld_before_is_withheld_again() -> None:
    areas = areas_of([[[(11, 1, 0, 0), (9, 0, 0, 0), (8, 0, 0, 0)]]])
    assert disclosure.withheld(areas, GROUPS, k=3, before={"0/0/0/2": {0}}).keys() == {"0/0/0/0", "0/0/0/2"}


def test_a_unit_that_has_no_reports_shields_nobody() -> None:
    areas = areas_of([[[(4, 1, 0, 0), (0, 0, 0, 0)]]])
    assert disclosure.withheld(areas, GROUPS[:1], k=3).keys() == {"0/0/0/0", "0/0/0", "0/0", "0"}


def schema(code: str) -> Schema:
    path = CATALOGUE / f"{code}.md"
    return read(contents_of(path), suffix=path.suffix)


def test_what_gives_each_other_away_is_withheld_together() -> None:
    voting = {group.questions for group in disclosure.groups(schema("pemungutan-tps"))}
    together = next(questions for questions in voting if "dpt_l" in questions)
    assert {"cadangan", "dpt", "dpt_l", "dpt_p"} <= set(together)
    assert ("intimidasi",) in voting
    quiet = {group.questions for group in disclosure.groups(schema("masa-tenang-desa"))}
    assert ("jumlah_tidak_terdistribusi", "pemberitahuan_tidak_dibagikan") in quiet


@pytest.mark.parametrize("code", sorted(path.stem for path in CATALOGUE.glob("*-*.md")))
def test_no_hard_rule_computes_a_withheld_problem_from_published_sums(code: str) -> None:
    """A rule holds of every report, so of what it names either everything is published or nothing is."""
    found = schema(code)
    group_of = {name: group for group in disclosure.groups(found) for name in group.questions}
    for question in found.questions:
        if question.constraint and question.severity == HARD:
            named = {question.name, *disclosure.NAMED.findall(question.constraint.source)}
            together = {group_of[name] for name in named & group_of.keys()}
            assert len(together) <= 1, question.constraint.source


def test_votes_that_do_not_add_up_are_withheld_with_the_answer_that_says_so() -> None:
    """Of two villages with five stations each one said "ya": the hard rule of `selisih_suara` would tell which."""
    counting = next(group for group in disclosure.groups(schema("penghitungan-tps")) if len(group.problems) == 1
                    and "selisih_suara" in group.questions)  # fmt: skip
    assert {"suara_sah", "suara_tidak_sah", "pengguna"} <= set(counting.questions)
    areas = areas_of([[[(5, 1, 0, 0), (5, 0, 0, 0)]]])
    (at,) = counting.problems
    wide = {key: replace(area, vector=[area.vector[0]] * (at + 1)) for key, area in areas.items()}
    assert disclosure.withheld(wide, [counting], k=3) == {"0/0/0/0": {0}, "0/0/0/1": {0}}


def test_what_links_two_questions_need_not_be_public_itself() -> None:
    """A number nobody publishes is computed from one of them, and the other from it."""
    voting = schema("pemungutan-tps")
    links = {"intimidasi": Expression("${catatan}", []), "catatan": Expression("${surat_diterima}", [])}
    changed = [
        replace_(one, calculation=links["intimidasi"]) if one.name == "intimidasi" else one for one in voting.questions
    ]
    changed.append(Question("catatan", CALCULATED, "penutup", Text(""), calculation=links["catatan"]))
    found = [group.questions for group in disclosure.groups(replace_(voting, questions=tuple(changed)))]
    assert ("intimidasi", "surat_diterima") in found


def test_every_public_question_with_figures_is_in_one_group() -> None:
    for path in sorted(CATALOGUE.glob("*-*.md")):
        found = schema(path.stem)
        named = [name for group in disclosure.groups(found) for name in group.questions]
        assert sorted(named) == sorted(q.name for q in found.questions if q.public and q.name in found.cells)
        problems = [at for group in disclosure.groups(found) for at in group.problems]
        assert sorted(problems) == sorted(disclosure.public_problems(found))


def test_an_area_is_not_changed() -> None:
    areas = areas_of([[[(4, 1, 0, 0)]]])
    before = {key: replace(area) for key, area in areas.items()}
    disclosure.withheld(areas, GROUPS, k=3)
    assert areas == before
