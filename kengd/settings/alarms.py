"""What a codebook from afar may not do: leave a village with an alarm that nobody takes for one (H12, H18). Standard library only.

The post judges by it when such a codebook comes, and the hub before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from kengd.bellcode.alike import CALM, too_alike
from kengd.bellcode.signal import Kind
from kengd.settings.plan import SignalPlan
from kengd.settings.problems import Problem

SHORTEST_ALARM_MS = 10_000


def unheard_alarms(new: Sequence[SignalPlan], old: Sequence[SignalPlan]) -> list[Problem]:
    """What is wrong with the alarms of `new`, where it was not so in `old` already, which is in force.

    A keeper who writes such a code in his own file is warned; from afar nobody stands beside the bell to notice.
    """
    before = {signal.id: signal for signal in old}
    alarms = [signal for signal in new if signal.kind is Kind.ALARM]
    problems = [
        Problem("value", f"codebook.{signal.id}", "báo động kêu chưa tới 10 giây: không ai kịp nghe ra")
        for signal in alarms
        if signal != before.get(signal.id) and (signal.score.duration_ms or SHORTEST_ALARM_MS) < SHORTEST_ALARM_MS
    ]
    for alarm in alarms:
        for calm in new:
            same_as_before = (alarm, calm) == (before.get(alarm.id), before.get(calm.id))
            if calm.kind in CALM and not same_as_before and too_alike(alarm.score, calm.score):
                vi = f"nghe giống báo động “{alarm.name_vi}” trong 8 giây đầu"
                problems.append(Problem("value", f"codebook.{calm.id}", vi))
    return problems
