"""multitables.stage: memory that results are put into."""

from ._internal.stage import AnyStage, PooledStage, Stage, StagePool

__all__ = ["AnyStage", "PooledStage", "Stage", "StagePool"]
