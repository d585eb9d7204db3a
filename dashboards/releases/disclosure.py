"""What of the reports of single supervisors may be published: which cells a release withholds (docs/publication.md).

A polling station and a village have one known supervisor each. Naming what it reported names the reporter to whoever
intimidated, so no number published of a village may rest on fewer than k of them, and nothing that is published may
give one back. From the district upward k bounds no number that was found: "1 of 40" is told there, and names nobody.

- A village whose figures rest on fewer than k supervisors withholds all of them.
- A village withholds a question whose problem was found in at least one report and may be the word of fewer than k
  supervisors, or is the word of some supervisor for certain, because others' reports are too few not to have found it;
  with every number that is computed from it.
- Secondary: a published sum less its published parts is the sum of what was withheld, its *pool*. A pool rests on k
  supervisors at least, and admits another value for each problem that is protected. Where it does not, one more sibling
  is withheld; where no sibling helps, the sum itself is, and its pool goes to the sum above.

Reports of bodies (district and up) are those of an office and not withheld. Counts of obligations never are. Pure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dashboards.figures.cells import public_problems
from reports.instruments.schema import HARD, Expression, Schema

Key = TypeVar("Key", bound=Hashable)
NAMED = re.compile(r"\$\{(\w+)\}")  # a question inside an expression


@dataclass(frozen=True)
class DisclosureGroup:
    """Public questions that are withheld together, because each would give the others away.

    problems: positions in the vector that count the reports in which one of them was a problem.
    """

    questions: tuple[str, ...]
    problems: tuple[int, ...]


@dataclass(frozen=True)
class DisclosureArea(Generic[Key]):
    """A unit from the village up, in one section.

    reports: approved ones; supervisors: those who owed them; each: reports that one of them filed, at most.
    """

    parent: Key | None
    level: int
    reports: int
    supervisors: int
    vector: Sequence[int]
    each: int = 1


def groups(schema: Schema) -> list[DisclosureGroup]:
    """The public questions that have figures: alone, or with what they are computed from, asked because of, halved
    with, or bound to by a hard rule. What links two of them need not be public itself.

    A hard rule holds of every report: "`. = 'ya' or a + b = c`" says of a village whose sums do not add up that one of
    its reports had "ya".
    """
    member = {question.name: {question.name} for question in schema.questions}
    for question in schema.questions:
        beside = _named_in(question.calculation) | _named_in(question.relevant) | {schema.pair_of(question.name)}
        if question.severity == HARD:
            beside |= _named_in(question.constraint)
        for other in beside & member.keys():
            if member[other] is not member[question.name]:
                member[other] |= member[question.name]
                for name in member[other]:
                    member[name] = member[other]
    public = {question.name for question in schema.questions if question.public and question.name in schema.cells}
    together = [names & public for names in {id(names): names for names in member.values()}.values()]
    position_of = {position: schema.layout[position].question for position in public_problems(schema)}
    return [
        DisclosureGroup(tuple(sorted(names)), tuple(at for at, question in position_of.items() if question in names))
        for names in together
        if names
    ]


def _named_in(expression: Expression | None) -> set[str]:
    return set(NAMED.findall(expression.source)) if expression else set()


def withheld(
    areas: Mapping[Key, DisclosureArea[Key]],
    groups: Sequence[DisclosureGroup],
    *,
    k: int,
    before: Mapping[Key, Collection[int]] | None = None,
) -> dict[Key, frozenset[int]]:
    """The areas that withhold something, with the numbers of the groups they withhold.

    `before`: the same of the release before. Of several siblings that would do, one that was withheld then is withheld
    again, so that two releases side by side give no more away than each of them.
    """
    tree = _Tree(areas, before or {})
    few = {key for key, area in tree.leaves.items() if 0 < area.supervisors < k}
    everything = tree.cover(
        set(few), lambda pool: sum(areas[key].supervisors for key in pool) >= k, lambda key: areas[key].supervisors, -1
    )
    found: dict[Key, set[int]] = defaultdict(set)
    for number, group in enumerate(groups):
        small = {
            key
            for key, area in tree.leaves.items()
            if key not in everything and any(_telling(area, at, k) for at in group.problems)
        }
        room = _Room(areas, group, k, small, few)
        hidden = tree.cover(everything | small, room.is_enough, room.found_in, number)
        for key in hidden:
            found[key].add(number)
    return {key: frozenset(numbers) for key, numbers in found.items()}


def _telling(area: DisclosureArea[Key], at: int, k: int) -> bool:
    """Whether a problem found so often says of somebody that they reported it: by few, or by everybody.

    Reports found it, supervisors are at risk: n reports are the word of n / each of them at least, and where fewer than
    `each` did not find it, nobody who filed so many can have been spared.
    """
    found = area.vector[at]
    return 0 < found <= (k - 1) * area.each or (k > 1 and found > 0 and area.reports - found < area.each)


@dataclass
class _Room(Generic[Key]):
    """How far the cells of a pool could be other than they are, for whoever knows their sum."""

    areas: Mapping[Key, DisclosureArea[Key]]
    group: DisclosureGroup
    k: int
    small: set[Key]
    few: set[Key]

    def found_in(self, key: Key) -> int:
        return sum(self.areas[key].vector[at] for at in self.group.problems)

    def is_enough(self, pool: Collection[Key]) -> bool:
        """Whether the pool rests on enough supervisors, and every protected cell of it could be one more or one less.

        One cell can be less where another can be more: each is at least 0 and at most the number of reports, of a small
        cell also at most what fewer than k supervisors filed.
        """
        if sum(self.areas[key].supervisors for key in pool) < self.k:
            return False
        for at in self.group.problems:
            down = {key: self.areas[key].vector[at] for key in pool}
            up = {key: self._most(key, down[key]) - down[key] for key in pool}
            all_down, all_up = sum(down.values()), sum(up.values())
            for key in pool:
                if not down[key] or not (key in self.few or _telling(self.areas[key], at, self.k)):
                    continue
                less = all_up - up[key] > 0
                more = up[key] > 0 and all_down - down[key] > 0
                if not (less or more):
                    return False
        return True

    def _most(self, key: Key, value: int) -> int:
        reports = self.areas[key].reports
        few = (self.k - 1) * self.areas[key].each
        return max(value, min(reports, few) if key in self.small else reports)


@dataclass
class _Tree(Generic[Key]):
    areas: Mapping[Key, DisclosureArea[Key]]
    before: Mapping[Key, Collection[int]]
    children: dict[Key, list[Key]] = field(init=False)
    leaves: dict[Key, DisclosureArea[Key]] = field(init=False)
    sums: list[Key] = field(init=False)  # areas with children, the lowest first

    def __post_init__(self) -> None:
        self.children = defaultdict(list)
        for key, area in self.areas.items():
            if area.parent is not None and area.reports:
                self.children[area.parent].append(key)
        self.leaves = {key: area for key, area in self.areas.items() if key not in self.children and area.reports}
        self.sums = sorted(self.children, key=lambda key: -self.areas[key].level)

    def cover(
        self, hidden: set[Key], enough: Callable[[list[Key]], bool], rank: Callable[[Key], int], number: int
    ) -> set[Key]:
        """`hidden` with what must be withheld beside it, so that no published sum gives a withheld part away.

        enough: whether a pool (leaves) may stand behind a published sum; rank: which sibling to take first.
        """
        if not hidden:
            return hidden
        pools: dict[Key, list[Key]] = {}
        for key in self.sums:
            pool = self._pool(key, hidden, pools)
            if not pool:
                continue
            if key not in hidden and not enough(pool):
                extended = self._extended(key, hidden, pools, enough, rank, number)
                if extended is None:
                    hidden.add(key)
                else:
                    hidden, pools = extended
                    pool = self._pool(key, hidden, pools)
            pools[key] = pool
        return hidden

    def _pool(self, key: Key, hidden: set[Key], pools: dict[Key, list[Key]]) -> list[Key]:
        """The withheld leaves whose sum can be computed from the area's own: through withheld sums only."""
        return [leaf for child in self.children[key] if child in hidden for leaf in pools.get(child, [child])]

    def _extended(
        self,
        key: Key,
        hidden: set[Key],
        pools: dict[Key, list[Key]],
        enough: Callable[[list[Key]], bool],
        rank: Callable[[Key], int],
        number: int,
    ) -> tuple[set[Key], dict[Key, list[Key]]] | None:
        """(hidden, pools) with as many more siblings as it takes; None where all of them are not enough."""
        hidden, pools = set(hidden), dict(pools)
        spare = [child for child in self.children[key] if child not in hidden]
        for child in sorted(spare, key=lambda child: self._order(child, pools, rank, number)):
            self._hide(child, hidden, pools, rank, number)
            if enough(self._pool(key, hidden, pools)):
                return hidden, pools
        return None

    def _order(self, key: Key, pools: dict[Key, list[Key]], rank: Callable[[Key], int], number: int) -> tuple:
        return number not in self.before.get(key, ()), key in self.children and not pools.get(key), rank(key)

    def _hide(
        self, key: Key, hidden: set[Key], pools: dict[Key, list[Key]], rank: Callable[[Key], int], number: int
    ) -> None:
        """Withholds an area; of a sum at least one leaf too, or it could be added up again."""
        hidden.add(key)
        if key in self.children:
            if not self._pool(key, hidden, pools):
                first = min(self.children[key], key=lambda child: self._order(child, pools, rank, number))
                self._hide(first, hidden, pools, rank, number)
            pools[key] = self._pool(key, hidden, pools)
