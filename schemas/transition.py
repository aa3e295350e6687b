"""What happened to one person in one map: a flat row of `journey.transitions`.

`id` is the same whenever the same thing is said again: a warehouse upserts by it. Fields that
do not concern a kind are absent or null.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "enter",
    "move",
    "end",
    "goal",
    "refused",
    "withheld",
    "action",
    "stuck",
    "emit",
    "start",
    "result",
    "report",
    "skipped",
    "migrate",
]


class Transition(BaseModel):
    """`at` is logical time, `logged` the log's; both UTC with milliseconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    kind: Kind
    at: datetime
    logged: datetime
    profile_id: str
    map: str = Field(description="empty for `skipped`, which concerns all maps")
    version: int
    key: str | None = None
    instance: str | None = Field(None, description="absent where nobody entered (`refused`)")
    cause: Literal[
        "touchpoint",
        "timer",
        "merge",
        "retry",
        "stop",
        "publish",
        "schedule",
        "date",
        "publication",
    ]
    cause_id: str = Field(description="the touchpoint's own id, a timer's or an occasion's")
    stage: str | None = Field(None, description="where she was")
    to: str | None = Field(None, description="where she came to (`enter`, `move`, `migrate`)")
    from_version: int | None = Field(None, description="of `migrate`: the version she was in")
    outcome: str | None = None
    goal: str | None = None
    value: Any = None
    reason: str | None = Field(
        None, description="of `refused`, `withheld` and `stuck`; of `report`: ambiguous, late, loop"
    )
    until: datetime | None = Field(None, description="of `refused`, `skipped`: when to ask again")
    template: str | None = None
    task: str | None = None
    result: str | None = Field(None, description="what became of an action (`result`)")
    action_id: str | None = None
    channel: str | None = None
    passed_over: dict[str, str] | None = None
    by: str | None = Field(None, description="the map that took the place (`capped`)")
    credit: str | None = Field(None, description="of `goal`: the template or task, or `none`")
    after_end: bool = Field(False, description="of `goal`: the instance had ended before it")
    late: bool = Field(False, description="of `goal`: heard of after the end, dated before it")
    correction: bool = Field(False, description="of `end`: the outcome a late goal makes of it")
    taken: str | None = Field(
        None, description="of `report`: what led on instead, or the outcome without it"
    )
    missed: str | None = Field(
        None, description="of `report`: the stage or goal for which it came too `late`"
    )
    type: str | None = Field(None, description="of the touchpoint a map made (`emit`, `start`)")
    touchpoint_id: str | None = Field(None, description="its id; its source is `wayline`")
    starts: str | None = Field(None, description="the map that is asked to let her in")
    flags: tuple[str, ...] = Field((), description="`lateness_cap`: decided without a late source")
    arms: dict[str, str] | None = Field(None, description="split -> arm of this instance")
    holdout: bool = Field(False, description="of an instance that is sent no marketing")
    contaminated: bool = Field(False, description="a merge mixed arms: leave her out of results")
    offset: int | None = Field(None, description="inbox offset at which it got stuck")
