"""Let lm-eval run encoders and baselines.

`option_scorer.py` converts lm-eval's requests to questions with options. `baselines.py` and `encoder.py` score the
options. Then `option_scorer.py` converts the scores to log-likelihoods. lm-eval's own backends run causal models.
This module must not import torch or lm_eval, because the autoload imports this module.
"""

MODELS = {
    "recipe-mpr-baseline": "recipe_mpr_task.models.baselines:BaselineLM",
    "recipe-mpr-encoder": "recipe_mpr_task.models.encoder:EncoderLM",
}
"""The class for each value of `--model`, as a text "module:class"."""
