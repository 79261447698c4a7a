"""Adapters for models that lm-eval does not load: encoders and baselines.

`option_scorer.py` turns lm-eval's requests into questions with options, and scores into log-likelihoods; `baselines.py`
and `encoder.py` score the questions. Causal models use lm-eval's own backends. This module imports neither torch nor
lm_eval, because the autoload reads it.
"""

MODELS = {
    "recipe-mpr-baseline": "recipe_mpr_task.models.baselines:BaselineLM",
    "recipe-mpr-encoder": "recipe_mpr_task.models.encoder:EncoderLM",
}
"""Model names for `--model`, each with its class as `module:attribute`."""
