"""The only writer of the tree's structure (docs/adr/0003).

Every verb is atomic and holds the advisory lock of each province it touches: MPTT renumbers half a tree to insert one
leaf, and two such writers without the lock leave duplicate edges behind without any error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, Value
from django.db.models.functions import Concat, Substr
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hierarchy import signals
from hierarchy.levels import LEAF, LONGEST_CODE, level_of, line_of, parent_code, province_code, station_number
from hierarchy.lib import bulk, guard, locks
from hierarchy.lib.errors import Refusal, sentences
from hierarchy.models import Election, Unit, User
from hierarchy.units import diff, integrity
from hierarchy.units.diff import Diff, Snapshot
from hierarchy.units.rows import EDITABLE, UnitRow, edges, faults

__all__ = ["Diff", "add_child", "check", "load", "move", "plan", "remove", "rename", "repair"]
check = integrity.check
ANCESTORS = ("province_id", "regency_id", "district_id", "village_id")
COPIED = (
    *("id", "election", "code", "name", "kind", "parent", "province", "regency", "district", "village", "number"),
    *("registered_voters", "latitude", "longitude", "tags", "lft", "rght", "tree_id", "level"),
)
MANY = 1000  # new rows after which the planner's statistics are worth refreshing at once


@contextmanager
def _writing(election: Election, provinces: Iterable[str]) -> Iterator[None]:
    """A transaction that holds the lock of each province (two-digit codes) and may write."""
    with transaction.atomic():
        locks.take(locks.Lock.TREE, [locks.tree_key(election.pk, code) for code in provinces])
        with guard.opened():
            yield


def _announce(verb: str, election: Election, by: User | None, **detail: Any) -> None:
    signals.tree_changed.send(Unit, verb=verb, election=election, by=by, detail=detail)


# --- whole files --------------------------------------------------------------------------------------------------


def plan(*, election: Election, rows: Sequence[UnitRow]) -> Diff:
    """What `load` would do with `rows`, including what would block it. Writes nothing.

    Raises Refusal when the rows are not whole trees (rows.faults).
    """
    _require_whole(rows)
    return _compare(_snapshots(election, _provinces(rows)), rows)


def load(*, election: Election, rows: Sequence[UnitRow], by: User | None) -> Diff:
    """Makes the provinces that `rows` contain exactly what the rows say; other provinces stay as they are.

    Units match by code (or previous_code). Existing units keep their id, and so their reports and memberships. Units
    the rows no longer list are deleted, which is refused while anything refers to them.
    Raises Refusal: rows that are not whole trees, or closed units still in use.
    """
    _require_whole(rows)
    with _writing(election, _provinces(rows)):
        existing = _snapshots(election, _provinces(rows))
        found = _compare(existing, rows)
        if found.blocked:
            raise Refusal(found.blocked)
        if found.is_empty:
            return found
        _apply(election, rows, existing, found)
        counts = [len(part) for part in (found.new, found.changed, found.closed)]
        _announce("load", election, by, counts=counts, provinces=sorted(_provinces(rows)))
    return found


def _require_whole(rows: Sequence[UnitRow]) -> None:
    wrong = faults(rows)
    if wrong:
        raise Refusal(sentences(wrong))


def _provinces(rows: Iterable[UnitRow]) -> set[str]:
    return {province_code(row.code) for row in rows}


def _below(code: str) -> Q:
    """Units whose code starts with `code`, as a range: LIKE cannot use the index of the unique constraint."""
    return Q(code__gte=code, code__lte=code + "9" * (LONGEST_CODE - len(code)))


def _snapshots(election: Election, provinces: Iterable[str]) -> dict[str, Snapshot]:
    return {
        code: Snapshot(pk, code, (*particulars, tuple(tags)))
        for province in provinces
        for pk, code, *particulars, tags in Unit.objects.filter(_below(province), election=election)
        .order_by()
        .values_list("pk", "code", *EDITABLE)
    }


def _compare(existing: dict[str, Snapshot], rows: Sequence[UnitRow]) -> Diff:
    found = diff.compare(existing, rows)
    found.blocked.extend(_uses(found.closed))
    return found


def _apply(election: Election, rows: Sequence[UnitRow], existing: dict[str, Snapshot], found: Diff) -> None:
    """Deletes, updates, inserts; then one statement renumbers what the inserts and moves displaced."""
    ids = {code: was.pk for code, was in existing.items()}
    for change in found.moved:
        ids.pop(change.was.code, None)
    ids |= {change.row.code: change.was.pk for change in found.changed}
    ids |= zip((row.code for row in found.new), bulk.take_ids(Unit, len(found.new)), strict=True)
    if found.closed:
        Unit.objects.filter(pk__in=[was.pk for was in found.closed])._raw_delete("default")
    if found.changed:
        _update(found, ids)
    if found.new:
        numbered = edges(row.code for row in rows)
        bulk.copy(Unit, COPIED, (_values(election, row, ids, numbered[row.code]) for row in found.new))
    if len(found.new) >= MANY:
        integrity.refresh_statistics()
    if existing and found.touches_structure:
        integrity.rewrite(election, sorted(_provinces(rows)))


def _values(election: Election, row: UnitRow, ids: dict[str, int], edge: tuple[int, int]) -> tuple[Any, ...]:
    """One row for COPY, in the order of COPIED. A tree is numbered by the id of its root."""
    code, parent = row.code, parent_code(row.code)
    line = [ids[each] for each in line_of(code)]
    chain = [*line, *[None] * LEAF][:LEAF]
    return (
        *(ids[code], election.pk, code, row.name, row.kind, parent and ids[parent], *chain, row.number),
        *(row.registered_voters, row.latitude, row.longitude, list(row.tags), *edge, line[0], row.level.value),
    )


def _update(found: Diff, ids: dict[str, int]) -> None:
    """All changed units in one statement, so that units which swap codes never meet on the unique constraint."""
    records = [
        dict(zip(EDITABLE, change.row.editable(), strict=True))
        | {"id": change.was.pk, "code": change.row.code, "number": change.row.number}
        | {"parent_id": ids.get(change.row.parent_code or "")}
        for change in found.changed
    ]
    columns = ("code", "number", "parent_id", *EDITABLE)
    sql = f"""
        UPDATE {Unit._meta.db_table} unit SET {", ".join(f"{column} = fresh.{column}" for column in columns)}
        FROM jsonb_to_recordset(%s::jsonb) AS fresh(id bigint, code text, number int, parent_id bigint, name text,
            kind text, registered_voters int, latitude numeric, longitude numeric, tags text[])
        WHERE unit.id = fresh.id"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(records, default=str)])


def _uses(units: Sequence[Snapshot]) -> list[str]:
    """A sentence for each kind of row that still refers to any of `units`. One query per referring field.

    Asks the models that are installed, so a table added by an upper layer is found without being imported here.
    """
    if not units:
        return []
    codes = {was.pk: was.code for was in units}
    found = []
    for relation in Unit._meta.related_objects:
        model = relation.related_model
        if isinstance(model, str) or model is Unit:
            continue
        name = relation.field.name
        counts = model._base_manager.filter(**{f"{name}__in": list(codes)}).values_list(name).annotate(Count("pk"))
        found += [
            _("Satuan %(code)s tidak dapat ditutup: masih dipakai oleh %(count)d data %(what)s.")
            % {"code": codes[pk], "count": count, "what": model._meta.verbose_name}
            for pk, count in counts.order_by(name)
        ]
    return found


# --- one unit -----------------------------------------------------------------------------------------------------


def add_child(*, parent: Unit, row: UnitRow, by: User | None) -> Unit:
    """A new unit under `parent`. Raises Refusal: a code that does not continue the parent's, or is taken."""
    election = parent.election
    with _writing(election, [province_code(parent.code)]):
        parent = _fresh(parent)
        wrong = faults([row], whole=False)
        if wrong:
            raise Refusal(sentences(wrong))
        _require_code(election, row.code, parent)
        particulars = dict(zip(EDITABLE, row.editable(), strict=True)) | {"tags": list(row.tags)}
        unit = Unit(election=election, code=row.code, parent=parent, number=row.number, **particulars)
        unit.save()
        chain = {column: getattr(parent, column) for column in ANCESTORS[: unit.level]}
        chain |= dict.fromkeys(ANCESTORS[unit.level : unit.level + 1], unit.pk)  # its own column, unless a station
        Unit.objects.filter(pk=unit.pk).update(**chain)
        unit = _fresh(unit)
        _announce("add_child", election, by, code=unit.code)
    return unit


def move(*, unit: Unit, parent: Unit, by: User | None, code: str | None = None) -> Unit:
    """Puts `unit` and everything below it under `parent`, which must be one level above.

    A code continues its parent's, so a move renumbers: `code` is the new official code; without it the unit keeps its
    own last digits. Codes below follow. Raises Refusal: another election, wrong level, a code taken or not fitting.
    """
    election = unit.election
    with _writing(election, [province_code(unit.code), province_code(parent.code)]):
        unit, parent = _fresh(unit), _fresh(parent)
        old, old_parent = unit.code, parent_code(unit.code)
        if old_parent is None or parent.level != unit.level - 1 or parent.election_id != unit.election_id:
            raise Refusal(_("%(unit)s tidak dapat dipindah ke %(parent)s: tingkatnya tidak cocok.")
                            % {"unit": unit.title, "parent": parent.title})  # fmt: skip
        new = code or parent.code + old[len(old_parent) :]
        if new != old:
            _require_code(election, new, parent)
        elif unit.parent_id == parent.pk:
            return unit
        below = Unit.objects.filter(_below(old), election=election).exclude(pk=unit.pk)
        below_ids = list(below.values_list("pk", flat=True))
        below.update(code=Concat(Value(new), Substr("code", len(old) + 1)))
        unit.code, unit.parent = new, parent
        unit.number = station_number(new)
        unit.save()
        upper = {column: getattr(parent, column) for column in ANCESTORS[: unit.level]}
        Unit.objects.filter(pk__in=[unit.pk, *below_ids]).update(**upper)
        _announce("move", election, by, code=new, was=old)
    return _fresh(unit)


def rename(*, unit: Unit, name: str, by: User | None) -> Unit:
    """Raises Refusal for an empty or overlong name."""
    wrong = faults([UnitRow(unit.code, name)], whole=False)
    if wrong:
        raise Refusal(sentences(wrong))
    return _edit("rename", unit, by, name=name)


def set_tags(*, unit: Unit, tags: Iterable[str], by: User | None) -> Unit:
    """Replaces the tags (kepulauan, sulit dijangkau, ...); repeats go. Raises Refusal when one is too long."""
    clean = sorted({tag.strip() for tag in tags})
    wrong = faults([UnitRow(unit.code, unit.name, tags=tuple(clean))], whole=False)
    if wrong:
        raise Refusal(sentences(wrong))
    return _edit("set_tags", unit, by, tags=clean)


def _edit(verb: str, unit: Unit, by: User | None, **values: Any) -> Unit:
    """Changes particulars that move no edge; still under the lock, so that a running load does not overwrite them."""
    with _writing(unit.election, [province_code(unit.code)]):
        unit = _fresh(unit)
        Unit.objects.filter(pk=unit.pk).update(**values)
        for column, value in values.items():
            setattr(unit, column, value)
        _announce(verb, unit.election, by, code=unit.code, **values)
    return unit


def remove(*, unit: Unit, by: User | None) -> None:
    """Deletes a unit that has nothing below it and that nothing refers to. Raises Refusal naming what does."""
    election = unit.election
    with _writing(election, [province_code(unit.code)]):
        unit = _fresh(unit)
        children = Unit.objects.filter(parent_id=unit.pk).count()
        if children:
            raise Refusal(
                ngettext(
                    "%(unit)s masih membawahi %(count)d satuan. Hapus atau pindahkan dulu satuan itu.",
                    "%(unit)s masih membawahi %(count)d satuan. Hapus atau pindahkan dulu satuan-satuan itu.",
                    children,
                )
                % {"unit": unit.title, "count": children}
            )
        uses = _uses([Snapshot(unit.pk, unit.code, (unit.name,))])
        if uses:
            raise Refusal(uses)
        # A unit refers to itself in its own ancestor column, which would protect it from its own deletion.
        Unit.objects.filter(pk=unit.pk).update(**dict.fromkeys(ANCESTORS))
        code = unit.code
        unit.delete()
        _announce("remove", election, by, code=code)


def repair(election: Election, *, by: User | None = None) -> int:
    """Rewrites edges, levels, tree numbers and ancestor columns from the parents in one statement; rows corrected.

    Raises Refusal when the parents or codes themselves are wrong (no statement can know which of the two is right).
    """
    codes = Unit.objects.filter(election=election).order_by().values_list("code", flat=True)
    provinces = sorted({province_code(code) for code in codes})
    with _writing(election, provinces):
        integrity.refresh_statistics()
        beyond = integrity.hopeless(election)
        if beyond:
            raise Refusal(str(problem) for problem in beyond)
        corrected = integrity.rewrite(election)
        if corrected:
            _announce("repair", election, by, corrected=corrected, provinces=provinces)
    return corrected


def _fresh(unit: Unit) -> Unit:
    """`unit` as the table holds it under the lock: edges in memory are stale as soon as somebody else has written."""
    found = Unit.objects.with_ancestors().filter(pk=unit.pk).first()
    if found is None:
        raise Refusal(_("Satuan %(code)s sudah tidak ada. Muat ulang halaman.") % {"code": unit.code})
    return found


def _require_code(election: Election, code: str, parent: Unit) -> None:
    if parent_code(code) != parent.code or not code.isascii() or not code.isdigit():
        raise Refusal(
            _("Kode %(code)s tidak melanjutkan kode induknya, %(parent)s.") % {"code": code, "parent": parent.code}
        )
    if level_of(code) != parent.level + 1:
        raise Refusal(_("Panjang kode %(code)s tidak cocok dengan tingkatnya.") % {"code": code})
    if Unit.objects.filter(election=election, code=code).exists():
        raise Refusal(_("Kode %(code)s sudah dipakai satuan lain.") % {"code": code})
