"""One root error and one subclass per room; every message is a sentence for the person at the command line."""


class Da3StreamError(Exception):
    """Root of every error that a user can cause or cure; the command line turns it into a message and exit status 2."""


class SettingsError(Da3StreamError):
    """An unknown setting, a wrong type, or values that do not go together."""


class FramesError(Da3StreamError):
    """The input cannot be opened or holds no usable frame."""


class RemoteFilesError(Da3StreamError):
    """A file that lies elsewhere cannot be listed, fetched or sent."""


class PredictorError(Da3StreamError):
    """A predictor cannot be built, or broke its contract."""


class EngineError(Da3StreamError):
    """The machines that predict cannot be reached, or have no room for what is asked of them."""


class DeviceLostError(PredictorError):
    """The device on which a predictor computes has failed: nothing that is asked of it later would work."""


class ModelError(Da3StreamError):
    """A network that cannot be built, loaded or asked for what it is asked for."""


class NoScaleError(ModelError):
    """A clip that shows nothing from which a metric model could tell the scale."""


class StoreError(Da3StreamError):
    """A run directory cannot be created, read or written."""


class ExportError(Da3StreamError):
    """An export that cannot be made of a run, or written where it was asked for."""


class CameraPathError(Da3StreamError):
    """Cameras along which there is no path of the kind that was asked for."""


class RenderingError(Da3StreamError):
    """A picture that cannot be drawn: no camera, no Gaussians of these shapes, no such device or rasteriser."""


class EvaluationError(Da3StreamError):
    """A ground truth cannot be read or compared."""


class SyntheticError(Da3StreamError):
    """A synthetic scene was asked for with impossible parameters."""


class StitchingError(Da3StreamError):
    """Two windows cannot be compared at all."""


class LoopsError(Da3StreamError):
    """Places cannot be described, or their index on disk cannot be used."""


class WebError(Da3StreamError):
    """A server that cannot listen where it was asked to."""


class RunError(Da3StreamError):
    """A run broke off after it had begun; what was computed until then is kept (exit status 1)."""


class BatchError(Da3StreamError):
    """A list of videos that cannot be run as it stands, or a helper process of a batch that does not answer."""


class PoseGraphError(Da3StreamError):
    """A pose graph was given an edge it cannot use, or holds a window that nothing ties to the others."""
