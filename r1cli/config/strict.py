"""What every part of the schema is built from."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Options = dict[str, Any]
"""An open mapping that is handed on as it is to the library named at the field."""


class Strict(BaseModel):
    """Frozen and closed; `run_id=7` is the text "7"; infinity and NaN are no settings."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False, protected_namespaces=()
    )
