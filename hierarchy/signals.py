"""What hierarchy tells the layers above, which may not be imported from here.

`detail` says what changed, units by their `code`, several provinces by their two digits as `provinces`. Both are sent
inside the writing transaction and after the last row is written, so a receiver that writes a journal row commits or
fails with the change, and sees all of it.
"""

from __future__ import annotations

from django.dispatch import Signal

# verb: str ("load", "add_child", ...), election: Election, by: User | None, detail: dict of JSON values
tree_changed = Signal()
# verb: str ("load", "activate", ...), election: Election | None, by: User | None, detail: dict of JSON values
roster_changed = Signal()
# users: list of primary keys; everything given out in their name is void
signed_out = Signal()
