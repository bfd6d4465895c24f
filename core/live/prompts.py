"""The few words that we say to the model ourselves; nobody hears them."""

# What is said to a model that owes a reply and is silent. Nobody hears it.
NUDGE = "The candidate has finished. Please go on."


# What is said to a model whose words came without a sound. A session that is older than they are has not said them.
MUTE = (
    "The candidate has heard nothing from you since they last spoke: there was no sound. Say aloud what is to be said."
    " If you have said it already, say it again."
)


# What is said to a model whose caller has been silent for long.
PROMPT = "The candidate has been silent for a while. Ask whether they are still there, then repeat your question."


# What is said at the end of an answer to a model that had begun to reply to a part of it.
UNHEARD = (
    "The candidate has not heard what you said last: the answer was not finished. Take all of it as one answer, and say"
    " again whatever is still to be said."
)
