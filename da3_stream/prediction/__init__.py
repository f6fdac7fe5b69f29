"""Pictures, photos from any side or a short film in one pass of the network; what comes out is a run directory."""

from .plan import PredictionPlan, plan_prediction
from .predicting import predict

__all__ = ["PredictionPlan", "plan_prediction", "predict"]
