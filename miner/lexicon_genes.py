"""Names of genes in their surroundings: lists that give only the last sign, names that go on and are another gene's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from miner.lexicon_rows import Hit, either, table
from miner.schema import Concept, Label

_GOES_ON = re.compile(either(table("gene")["goes_on"]))
_LIGAND = re.compile(table("gene")["ligands"])
_RECEPTOR = re.compile(r"\)?(?:-\d)?(?: \([^()\s]+\))?[ -]receptors?\b")
_FURTHER_MEMBER = re.compile(r"(?:/|, (?:and |or )?|,| and | or | and/or |-and -|-, -?| ?& ?)-?(\d|[A-C])(?![A-Za-z0-9%·-]|\.\d)")
_FIRST_MEMBER = re.compile(r" ?\(?(\d)(?=[/,)]| (?:and|or) \d)")
# A number that is a count: "NTRK3, 4 ALK".
_NO_MEMBER = r" (?:patients?|cases?|tumou?rs?|samples?|of|in|had|were|was)\b| [A-Z][A-Z0-9]{1,6}(?:[ ,;.)]|-(?!based))"
_MEMBER = re.compile(rf"{_FURTHER_MEMBER.pattern}(?!{_NO_MEMBER})")


def compressed(source: str, genes: list[Hit], exact: Mapping[str, tuple[Concept, str]]) -> list[Hit]:
    """Add the members of a list that gives only their last sign: 2 and 3 of "NTRK1, 2 and 3", B of "TRKA and B"."""
    found = []
    for gene in genes:
        found.append(gene)
        family = gene.kind == "family"
        stem = source[gene.start : gene.end if family else gene.end - 1]
        last = "1" if family else source[gene.end - 1 : gene.end]
        at, pattern = gene.end, _FIRST_MEMBER if family else _MEMBER
        while match := pattern.match(source, at):
            entry = exact.get(stem + match[1]) if match[1].isdigit() == last.isdigit() else None
            if not entry:
                break
            found.append(Hit(match.start(1), match.end(1), Label.GENE, entry[0], "list"))
            at, pattern = match.end(), _FURTHER_MEMBER
    return found


def goes_on(source: str, gene: Hit) -> bool:
    """Whether the name goes on and is another gene's: "EGF receptor", "plasminogen activator"."""
    if not source.startswith((" ", "-", ")"), gene.end):
        return False
    if gene.kind != "symbol" and _LIGAND.fullmatch(gene.concept.name) and _RECEPTOR.match(source, gene.end):
        return True
    return gene.kind == "name" and bool(_GOES_ON.match(source, gene.end))
