"""The instructions that are sent to the model as text in the course of a call; none of them is ever played."""

# To a model that has not replied in time.
NUDGE = "The candidate has finished. Please go on."

# To a model whose text came without audio. A session that is resumed from before that text has not said it.
NO_AUDIO = (
    "The candidate has heard nothing from you since they last spoke: there was no sound. Say aloud what is to be said."
    " If you have said it already, say it again."
)

# To a model whose caller has been silent for the idle timeout.
IDLE = "The candidate has been silent for a while. Ask whether they are still there, then repeat your question."

# At the end of an answer, to a model whose reply to a part of it was suppressed.
REPLY_SUPPRESSED = (
    "The candidate has not heard what you said last: the answer was not finished. Take all of it as one answer, and say"
    " again whatever is still to be said."
)

# In an answer of which some audio never came, to a model that is to take note of it at the end of the answer.
ANSWER_INTERRUPTED = (
    "The candidate's connection was interrupted, and a part of this answer is missing. When the candidate has finished,"
    " say that you could not hear all of it, and ask them to say again what is missing."
)

# At the end of an answer that broke off because the candidate's audio stopped for long.
ANSWER_BROKEN_OFF = (
    "The candidate's connection was interrupted, and the rest of this answer is lost. Say so, and repeat your last"
    " question."
)

# To a model whose speech was played while nothing came from the candidate, or whose question had no answer by then.
REPEAT = "The candidate's connection was interrupted and is back. Say so in a few words, and repeat your last question."
