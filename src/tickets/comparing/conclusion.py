"""The one sentence of a comparison of two results folders, and whether it is good news."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from tickets.comparing.noise import WIDTH
from tickets.comparing.outputs import Outputs
from tickets.comparing.runs import Runs, Shift, outside

Kind = Literal["identical", "within noise", "different", "nothing"]
SHARE = 0.1
CHANCE = 0.0455  # of a normal value to lie beyond WIDTH standard deviations
ALPHA = 0.05
SHIFT_ALPHA, SHIFT_SIZE = 0.01, 0.5
_MANY = 3


@dataclass(frozen=True)
class Conclusion:
    """What kind of difference there is, and a sentence for people."""

    kind: Kind
    sentence: str

    @property
    def same(self) -> bool:
        """Whether the two agree, to the bit or within seed noise."""
        return self.kind in ("identical", "within noise")


def conclude(runs: Runs, outputs: Outputs) -> Conclusion:
    """Judge the runs that both sides have (docs/how-to/compare-results.md says by which rules).

    different   if of the runs that differ more lie outside the band of seed noise than chance explains (and more than
                one in ten), or if a task's scores are shifted as a whole by half a seed's standard deviation or more;
                also if no score differs but other columns or cells of tables do
    """
    both = runs.total("both")
    if not both and not outputs.tables:
        return Conclusion("nothing", "nothing to compare: no run or table is in both.")
    if not runs.pairs:
        return _without_pairs(runs, outputs)
    reasons = [*_outside(runs), *_shifted(runs.shifts)]
    verb = "differs, by" if len(runs.pairs) == 1 else "differ, the most by"
    differ = f"{len(runs.pairs):,} of {both:,} runs {verb} {_largest(runs):.2f} points"
    if reasons:
        return Conclusion("different", f"different: {differ}; {'; '.join(reasons)}.")
    beyond = sum(outside(pair, runs.noise) for pair in runs.pairs)
    few = f", {beyond:,} of them by more than two seeds usually do" if beyond else ""
    return Conclusion("within noise", f"the same within seed noise: {differ}{few}.")


def _without_pairs(runs: Runs, outputs: Outputs) -> Conclusion:
    both = runs.total("both")
    columns = sum((Counter(paper.differing_columns) for paper in runs.papers), Counter[str]())
    if columns:
        named = ", ".join(f"{name} ({n})" for name, n in columns.items())
        return Conclusion(
            "different", f"different: all {both:,} scores agree, but other columns do not: {named}."
        )
    if outputs.cells or outputs.flips:
        found = [f"{len(outputs.flips)} verdicts"] if outputs.flips else []
        if outputs.cells:
            tables = len({cell.artifact for cell in outputs.cells})
            found.append(f"{len(outputs.cells)} cells of {tables} tables")
        return Conclusion(
            "different",
            f"different: all {both:,} runs agree, but {' and '.join(found)} do not: other code made them, they are "
            "out of date, or somebody edited them (`tickets audit` tells).",
        )
    if not both:
        return Conclusion("identical", f"the same: no runs to compare, {outputs.tables} tables equal.")
    return Conclusion("identical", f"the same to the bit: {both:,} runs, {outputs.tables} tables.")


def _largest(runs: Runs) -> float:
    return max(abs(pair.gap) for pair in runs.pairs)


def _outside(runs: Runs) -> list[str]:
    """Chance puts 1 in 22 outside; a single run that differs, and is outside, is more than that."""
    apart = [pair for pair in runs.pairs if pair.here.own and pair.there.own]
    beyond = sum(outside(pair, runs.noise) for pair in apart)
    if not beyond or beyond <= SHARE * len(apart):
        return []
    from scipy.stats import binom

    if float(binom.sf(beyond - 1, len(apart), CHANCE)) >= ALPHA:
        return []
    unknown = sum(runs.noise.of(pair.here) is None for pair in apart)
    which = "that is" if len(runs.pairs) == 1 else f"{beyond:,} of these by"
    what = f"more than seeds explain ({WIDTH:g} standard deviations)"
    return [f"{which} {what}" + (f", {unknown:,} without a yardstick" if unknown else "")]


def _shifted(shifts: tuple[Shift, ...]) -> list[str]:
    """Tasks whose scores moved as a whole: p below 0.01 after Holm's correction, and not by a trifle."""
    tasks = sorted((s for s in shifts if s.by == "task" and s.p is not None), key=lambda s: s.p or 0.0)
    found = []
    for rank, shift in enumerate(tasks):
        if (shift.p or 0.0) * (len(tasks) - rank) >= SHIFT_ALPHA:
            break
        if shift.noise is not None and abs(shift.mean) >= SHIFT_SIZE * shift.noise:
            found.append(f"{shift.paper} {shift.name} by {shift.mean:+.2f} on average")
    more = f" and {len(found) - _MANY} more" if len(found) > _MANY else ""
    return [f"shifted as a whole: {', '.join(found[:_MANY])}{more}"] if found else []
