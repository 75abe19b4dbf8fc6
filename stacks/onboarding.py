"""The questions that ZenML's dashboard asks a new user before it shows anything: name, e-mail, news by e-mail."""

ANSWERED = {"finished_onboarding_survey": True, "awareness_channels": ["other"]}


def decline_survey() -> None:
    """Answers no for a user who was never asked; an answer that was given stays."""
    from zenml.client import Client

    client = Client()
    if client.active_user.email_opted_in is None:
        client.update_user(client.active_user.id, updated_email_opt_in=False, updated_metadata=ANSWERED)
