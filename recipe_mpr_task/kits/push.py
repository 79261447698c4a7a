"""Upload a kit's files to a dataset repository of the Hugging Face Hub."""

from collections.abc import Mapping

from recipe_mpr_task.errors import RecipeMPRError, one_line


def upload(contents: Mapping[str, bytes | str], hub_id: str, *, private: bool) -> str:
    """Upload a kit in one commit, and return the commit's web address. A missing dataset repository is created.

    Args:
        contents: content of each file by its path in the repository.
        hub_id: the repository's id, OWNER/NAME.
        private: whether a new repository is private; if False, the owner's default applies. An existing repository
            keeps its visibility.

    Raises:
        RecipeMPRError: the Hub cannot be reached or refuses the upload.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi()
    files = [
        CommitOperationAdd(name, content.encode() if isinstance(content, str) else content)
        for name, content in contents.items()
    ]
    try:
        api.create_repo(hub_id, repo_type="dataset", private=private or None, exist_ok=True)
        message = "Recipe-MPR with balanced option orders"
        commit = api.create_commit(hub_id, files, repo_type="dataset", commit_message=message)
    except Exception as error:  # the type of a network error depends on the version of huggingface_hub
        refused = isinstance(error, HfHubHTTPError)
        remedy = "log in with `hf auth login` as a user with write access" if refused else "go online and run again"
        reason = f"{type(error).__name__}: {one_line(error)[:200]}"
        raise RecipeMPRError(f"--push {hub_id}: nothing was uploaded ({reason}); {remedy}") from error
    return str(commit.commit_url)
