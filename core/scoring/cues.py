"""The words around a number that decide whether it is a score: tables for the speech grammar."""

from typing import NamedTuple

from core.scoring.words import wordset


class Cue(NamedTuple):
    """Words that make the numbers they govern no score.

    They govern the rest of their clause, or `far` over commas to the next contrast (`talk` also ends where the examiner
    comes to the point: "so", "I give you"), or only `reach` words, and at most so many `numbers`; and, if `back`, a
    number just before them.
    """

    words: str
    far: bool = False
    talk: bool = False
    back: bool = True
    reach: int = 99
    numbers: int = 99


def _phrases(words: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in words.split(","))


def _cues(
    words: str, far: bool = False, talk: bool = False, back: bool = True, reach: int = 99, numbers: int = 99
) -> list[Cue]:
    return [Cue(phrase.strip(), far, talk, back, reach, numbers) for phrase in words.split(",")]


# Of two that begin alike the first listed is found.
CUES = (
    # conditions
    *_cues(
        "if, unless, whether, suppose, imagine, assuming, had you, for example, for instance",
        far=True,
    ),
    *_cues(
        "on a scale, with more, with a bit more, with a little more, would have, would need, you would, you can, "
        "can be, can get, to go, i wanted, would love to, was going to, were going to, could, might, may be, "
        "should have, should aim, should get, should be aiming",
    ),
    *_cues(
        "nearly, almost",
        back=False,
        reach=5,
    ),
    *_cues(
        "considered, debated",
        back=False,
        reach=4,
    ),
    # doubt
    *_cues(
        "maybe, perhaps, possibly, potentially, probably, likely, somewhere, in the region of, borderline, "
        "leaning, tempted, not sure, undecided, at best, at worst",
    ),
    *_cues(
        "either, between",
        back=False,
    ),
    *_cues(
        "something like",
        far=True,
    ),
    # aims and needs
    *_cues(
        "need, needs, needed, require, requires, required, requirement, requirements, aim, aiming, target, goal, "
        "hope, hoping, hoped, you want, you wanted, expect, expected, expecting, reach, reaching, to achieve, "
        "will achieve, achieving, to get, to score, to earn, to be, to obtain, to move, to push, to hit, to "
        "qualify, qualify, ready for, on your way, on the way, next time, in future, in the future, one day, "
        "soon, potential",
    ),
    # denials
    *_cues(
        "not, never",
        back=False,
        numbers=1,
    ),
    *_cues(
        "nobody, nowhere, neither, nor, rather than, instead of, short of, away from",
        back=False,
    ),
    *_cues(
        "getting, scoring",
    ),
    # other people, other days, other rules
    *_cues(
        "you said, you told, you mentioned, you asked, you claimed, you think, you thought, you believe, you say, "
        "you feel, you just said, you gave yourself, you put, candidates, students, learners, speakers, people, "
        "someone, anyone, somebody, everyone, universities, university, employers, average candidate, average "
        "speaker, average student, typical, another candidate, another student, a candidate, a student, native "
        "speaker, the speaker, a speaker, my last candidate, on average, last time, last year, last month, last "
        "week, last test, last exam, previous, previously, earlier test, used to, mock, practice test, examiners, "
        "says, your teacher, your friend, told me, according to, descriptor, descriptors, your writing, your "
        "reading, your listening, your essay, the essay, writing score, reading score, listening score",
        far=True,
        talk=True,
    ),
    *_cues(
        "the average, average score, rarely, seldom, hardly ever, first answer, second answer, your first, your "
        "second, there are, there were, weight, weighting, weighted, counts for, count for, makes up, make up, "
        "minimum, maximum, highest, lowest",
    ),
    *_cues(
        "lost, made, noticed, counted, heard",
        back=False,
        reach=4,
    ),
)
# "If I average those": the examiner's own sums are no conditions. "Not only", "no doubt": no denials.
EXEMPT = _phrases(
    "would have to say, have to say, if i average, if we average, if i take, if we take, if i add, if i put, "
    "if i look, as if, if you like, if anything, not only, not bad, not a problem, do not worry, to go with, "
    "going to go, are getting, be getting, are scoring, be scoring, to be fair, to be honest, to be clear, to "
    "be precise, to be exact, to be sure"
)
TO_THE_POINT = _phrases(
    "so, therefore, i give, i would give, i will give, i am giving, i have given, i award, i would award, i "
    "am awarding, i would say, i would put, you get, you are getting"
)
CONTRASTS = wordset("but however though ; yet today now")
# What begins a clause, besides a comma and its like.
CLAUSE_MARKS = frozenset({",", ";", ":", "-", "…", "(", ")", "|"})
CLAUSE_WORDS = wordset("but so and however therefore although though while whereas because since which hence thus then")

# Right before a number, over its article: no score.
LOCAL = wordset(
    "around about approximately roughly nearly almost near above below under over beyond than towards toward "
    "between either least most for not no without from until till past against versus in by per every after within "
    "during or"
)
# "part two", "question 3": a name, no value.
NUMBERED = wordset(
    "part parts question questions task tasks section sections number page chapter unit topic stage minute test "
    "version step point card year room option exercise item day lesson round lines"
)
ARTICLES = wordset(
    "a an the band bands solid strong good clear comfortable firm high low full nice respectable decent straight "
    "very just safe secure weak healthy well deserved fair generous confident whole level grade mark score sort "
    "kind clean strict provisional final overall total"
)
# "a total of six", "a score of six", "an overall of six"
COUNTED = wordset("score scores band mark grade level rating total result average final overall fluency")
# Verbs that lead up to "to six": "that comes to a six", "I'm raising that to a six".
LEADS_TO = wordset(
    "averaging averaged improved risen go going comes come coming amounts amount equates brings bring bringing "
    "takes take taking rounds round rounded rounding averages raise raised raising revise revised revising change "
    "changed changing bump bumped bumping adjust adjusted upgrade upgraded upgrading increase increased lower "
    "lowered amend amended correct corrected correcting adds add works equal leads moving move moved"
)
REVISES = wordset(
    "raise raised raising revise revised revising change changed changing bump bumped bumping adjust adjusted "
    "adjusting upgrade upgraded upgrading increase increased lower lowered lowering amend amended correct corrected "
    "correcting move moved moving"
)
RANGE_MARKS = frozenset({"-", "/"})

# What may follow a score. Anything else makes it a count of something: "two long pauses".
FOLLOWS = wordset(
    "goodbye bye congratulations keep its for in on as because since and but with so which that here there this "
    "time now too also or then given due at thanks thank i you your we well please okay ok right the let next "
    "lastly finally first second moving overall again today is was just mainly mostly largely my all both not when "
    "where while though although however even still to from each respectively across sorry no actually rather wait "
    "make scratch correct based reflecting considering showing reflects it what correction thats pardon excuse "
    "apologies strike alright everything could would should means requires needs has goes may might can will"
)
# A score that is the subject of one of these is talked about, not given: "a seven requires".
ABOUT_IT = wordset("is was are were means requires needs would could should might takes has may can will goes demands")
GIVEN_AS = frozenset(
    {
        ("is", "your"),
        ("is", "my"),
        ("is", "what", "i"),
        ("is", "fair"),
        ("is", "right"),
        ("is", "the", "score"),
        ("is", "the", "band"),
        ("is", "the", "mark"),
        ("is", "the", "result"),
        ("is", "for"),
        ("is", "where", "you", "are"),
        ("was", "your"),
        ("goes", "to"),
        ("goes", "for"),
    }
)
# "six in total", "two in particular"
IN_TOTAL = frozenset(
    {
        ("in", "total"),
        ("in", "all"),
        ("in", "a", "row"),
        ("in", "particular"),
        ("at", "a", "time"),
        ("in", "the", "morning"),
        ("in", "the", "evening"),
        ("in", "the", "afternoon"),
    }
)

# Words that carry a score to its criterion without saying anything else.
LIGHT = wordset(
    "averaging averaged merits warrants is was are were be as at a an the i we would will give gave giving given "
    "award awarding awarded say saying put putting rate rating score scored scoring scores mark marked grade assign "
    "assigning you your my our get gets got getting receive received receives earn earned earns of it its that this "
    "these also again both all each every solid strong good clear comfortable firm high low full nice respectable "
    "decent straight very just safe secure weak healthy well deserved fair generous confident with think believe "
    "feel going go to for me let us comes come out in sits stands lands falls settled settle on then too equals "
    "equal still here overall now today and band bands level graded so um achieved achieves happy pleased glad "
    "delighted colon performance skills ability have has been another about right exactly goes down do deserve "
    "deserves merit sit landed land place placing placed call calling okay ok yes yeah sure certainly final total "
    "part criterion category area side front terms like definitely clearly only can want up there value points "
    "speaking english use control component test language work making make makes taking take takes bring brings "
    "bringing leave leaves lead leads works average averages round rounds rounded raise raised raising revise "
    "revising change changing changed move moved moving correct correcting adjusted adjust upgrade upgraded "
    "upgrading bump bumping sorry no actually rather mean meant wait or"
)
GIVING = wordset(
    "give gave giving given award awarding awarded say put putting rate score scored assign assigning get gets got "
    "receive received receives earn earned earns is was at of are band bands level grade mark call comes be equals "
    "sits stands lands place deserve deserves to with have"
)
# So much as "therefore": what follows sums up more than its neighbour.
RESULTS = wordset("so therefore thus hence which")

PREPOSITIONS = wordset("for in on under regarding to as when is was goes across")
DETERMINERS = wordset(
    "you am giving going fair right fine what i would have has given your the both my a of all each criterion score "
    "scores band mark when it comes to on and that give for in terms regard regards respect side also this front "
    "number result grade level rating"
)
CO_ORDINATES = wordset(", and plus both as well your the for in also & - then again on")
JOINS_AGAIN = wordset("for in on")
# After the last of several criteria: anything else begins a new clause about it.
AFTER_GROUP = wordset(
    "because since as too with and but so today respectively here this now both i you we well that the"
)

LEADS_IN = wordset(
    "for in on as terms of regarding and now next first firstly second secondly third thirdly fourth then finally "
    "lastly with to looking look at moving turning when it comes about your the let us start starting begin "
    "beginning well so okay ok right criterion score go onto also move turn last is what how alright great good my "
    "assessment under concerning respect regard regards speaking category area up final but band"
)
COPULAS = wordset("is was were are has gets receives got earned scored")

# Said between a slip and its correction.
REPAIRS = _phrases(
    "misread, misheard, made a mistake, got that wrong, sorry, no, actually, i mean, i meant, rather, make "
    "that, make it, correction, scratch that, strike that, let me correct, let me rephrase, wait, my mistake, "
    "my apologies, apologies, excuse me, pardon, in fact, should be, should have been, should say, should "
    "have said, i misspoke, let us say, let us make it, let us make that, on reflection, on second thoughts, "
    "on second thought, thinking about it, i take that back, changing that to, changing it to, change that "
    "to, change it to, raise that to, raise it to, raising that to, raising it to, revise that to, revise it "
    "to, revising that to, go up to, go down to, up to, down to"
)
REPAIR_WORDS = wordset(
    "misread misheard made got wrong going go down here earlier before am but changing raise raising revise "
    "revising up first that to put sorry no actually i mean meant rather or make it correction scratch strike let "
    "me correct rephrase wait my mistake apologies excuse pardon in fact should be have been say said misspoke us "
    "on reflection second thoughts thought thinking about take back oh a an the is hang hold moment minute was well "
    "um yes just myself band would will give you better again score not quite so as for your want change please "
    "what of at mark grade level do did and there one more think ah now another look"
)
WITHDRAWS = _phrases("scratch that, strike that, i take that back, ignore that, forget that, disregard that")
ALSO_QUESTIONS = _phrases(
    "do you, did you, does, would you, could you, can you, are you, were you, have you, what is, what was, "
    "what do, what did, what would you, what made, how, why, where do, when did, who, is your, is it, should "
    "i, shall i, should we, how about"
)
OPENERS = wordset("so and now well okay ok right alright then but great good thank you")
# "So that is a six, okay?" is no question about the six.
TAGS = frozenset(
    {("okay",), ("ok",), ("alright",), ("all", "right"), ("is", "that", "clear"), ("yes",), ("shall", "we")}
)

SAME = _phrases(
    "the same again, the same score, the same band, the same mark, the same grade, the same level, the same "
    "value, exactly the same, the same, same again, same score, same band, same here, same, likewise, ditto"
)
AFTER_SAME = wordset("for in on and with as here too again also because since today")
ALL = _phrases(
    "all of the criteria, all the criteria, all of the categories, all criteria, all categories, all areas, "
    "all of them, each criterion, each category, every criterion, every category, everything, across the "
    "board"
)

COUNTS = {"four": 4, "five": 5, "six": 6, "three": 3, "seven": 7}
POLITE = wordset("i that it this score band overall we mark grade level result which and")
SUBJECTS = wordset("i you your we it that this for the my overall")
BREAKS = wordset("you i we it they and but which that as because since with")
BEFORE_ONE = frozenset(["", "a", "band", "of", "at", "is", ":", "-", "=", ",", "score", "you", "overall"])
NOUNS = wordset(
    "mistake mistakes error errors issue issues problem problems point points item items word words slip slips "
    "thing things exercise exercises book books rule rules lesson lessons question questions topic topics teacher "
    "class test tests section structures"
)
# "Overall" before another word is an adjective: "your overall impression".
SUMS_UP = wordset("same comes works maybe perhaps well great good lovely nice could might assessment")
AFTER_OVERALL = LIGHT | FOLLOWS | LEADS_TO | REPAIR_WORDS | LOCAL | SUMS_UP
