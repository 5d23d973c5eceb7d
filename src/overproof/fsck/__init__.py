"""Verify a run folder, line by line, and mend it: `overproof fsck`.

    checked = check(Path("runs/demo"))
    checked = check_and_mend(Path("runs/demo"))

Verified: every row of every table (checksum, schema, kind, key), what rows say of one another
(an outcome's sample, a sample's variant, a lesson's pair), the pairs against their certificate,
JSON files, the weights against the hashes in the manifest, the teacher's signals in the cache.
What is wrong is moved into files ending in `.damaged`, never deleted; good rows keep their bytes
and their order. The next run makes again what is missing.

Not covered: damage to rows of versions before checksums that still reads as a row; rows that are
missing as a whole, which the next run makes again without being told.
"""

from overproof.fsck.checking import check
from overproof.fsck.findings import Checked, Finding
from overproof.fsck.mending import check_and_mend

__all__ = ["Checked", "Finding", "check", "check_and_mend"]
