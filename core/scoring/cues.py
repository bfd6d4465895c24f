"""The words around a score and its criterion: tables for the speech grammar."""

from core.scoring.words import wordset


def phrases(words: str) -> tuple[str, ...]:
    """Phrases in a row of them, with commas between."""
    return tuple(phrase.strip() for phrase in words.split(","))


# What begins a clause, besides a comma and its like.
CLAUSE_MARKS = frozenset({",", ";", ":", "-", "…", "(", ")", "|"})
CLAUSE_WORDS = wordset("but so and however therefore although though while whereas because since which hence thus then")

# "Grammar is where we have 5": a bare number at the end of its clause is a score, but not behind one of these.
NO_END = wordset("in on for to with from by and or of than like until")
# Right before a number, over its article: no score.
LOCAL = wordset(
    "around about approximately roughly nearly almost near above below under over beyond than towards toward "
    "between either least most for not no without from until till past against versus in by per every after within "
    "during or off those these"
)
# "part two", "question 3": a name, no value.
NUMBERED = wordset(
    "part question task section number page chapter unit topic stage minute test version step point card year room "
    "option exercise item day lesson round line"
)
ARTICLES = wordset(
    "a an the band bands solid strong good clear comfortable firm high low full nice respectable decent straight "
    "very just safe secure weak healthy well deserved fair generous confident whole level grade mark score sort "
    "kind clean strict provisional final overall total"
)
# "a total of six", "a score of six", "an overall of six"
COUNTED = wordset(
    "score scores band mark grade level rating total result average final overall fluency pair more proud worthy"
)
# What stands between "a" and "six" is some word for how good the six is, but for these: "a possible six".
NO_PRAISE = wordset("possible potential future hypothetical maximum minimum further mere target pass")
# "I have gone for a six", "I have you down for a six".
CHOSEN = wordset("gone going go goes went plumped plump opted opt settled settle settling down enough")
# "It is now a six."
ALREADY = wordset("now currently still already exactly firmly")
# "That puts you in band six."
PLACED = wordset("you is are be it falls sits firmly squarely")
# "You are a band six speaker."
SPEAKERS = wordset("speaker user candidate learner level")
# Verbs that lead up to "to six": "that comes to a six", "I'm raising that to a six".
LEADS_TO = wordset(
    "came gone averaging averaged improved risen go going comes come coming amounts amount equates brings bring "
    "bringing takes take taking rounds round rounded rounding averages raise raised raising revise revised revising "
    "change changed changing bump bumped bumping adjust adjusted upgrade upgraded upgrading increase increased "
    "lower lowered amend amended correct corrected correcting adds add works equal leads moving move moved back "
    "made goes moves nudges nudged edges edged creeps crept rises raises climbs drops dropped falls fallen jumps"
)
REVISES = wordset(
    "round rounds rounded rounding raise raised raising revise revised revising change changed changing bump bumped "
    "bumping adjust adjusted adjusting upgrade upgraded upgrading increase increased lower lowered lowering amend "
    "amended correct corrected correcting move moved moving"
)
RISES = wordset(
    "gone went goes risen rises climbed climbs improved jumped jumps dropped drops fallen falls moves nudges nudged "
    "edges edged"
)
RANGE_MARKS = frozenset({"-", "/"})

# What may follow a score. Anything else makes it a count of something: "two long pauses".
FOLLOWS = wordset(
    "goodbye bye congratulations keep its for in on as because since and but with so which that here there this "
    "time now too also or then given due at thanks thank i you your we well please okay ok right the let next "
    "lastly finally first second moving overall again today is was just mainly mostly largely my all both not when "
    "where while though although however even still to from each respectively across sorry no actually rather wait "
    "make scratch correct really instead performance yes yeah apart except besides standard territory written based "
    "reflecting considering showing reflects it what correction thats pardon excuse apologies strike alright "
    "already everything could would should means requires needs has goes may might can will under against beside "
    "down over before after if unless until by feels felt seems seemed awaits fits suits nor written noted like "
    "whatever who whose sits stands stays lands yet once simply i'd there's he she they"
)
# A score that is the subject of one of these is talked about, not given: "a seven requires".
ABOUT_IT = wordset(
    "is was are were means requires needs would could should might takes has may can will goes demands shows show "
    "describes involves implies indicates suggests"
)
GIVEN_AS = frozenset(
    {
        ("is", "your"),
        ("is", "my"),
        ("is", "the", "mark"),
        ("is", "the", "number"),
        ("is", "the", "figure"),
        ("is", "fair"),
        ("is", "the", "right"),
        ("is", "the", "correct"),
        ("is", "right"),
        ("is", "more"),
        ("is", "closer"),
        ("is", "accurate"),
        ("is", "appropriate"),
        ("is", "the", "score"),
        ("is", "the", "band"),
        ("is", "the", "mark"),
        ("is", "the", "result"),
        ("is", "for"),
        ("is", "where", "you", "are"),
        ("was", "your"),
        ("goes", "to"),
        ("goes", "on"),
        ("goes", "down"),
        ("goes", "in"),
        ("goes", "under"),
        ("goes", "for"),
        ("has", "been", "given"),
        ("has", "been", "awarded"),
        ("is", "given"),
        ("is", "awarded"),
        ("was", "given"),
        ("was", "awarded"),
    }
)
# "A six in grammar allows some errors": words in "s" that are no verbs.
NO_VERBS = wordset(
    "seems feels fits as this always perhaps thanks plus across besides unless towards yes less its was us six is"
)
# "Your fluency in Spanish", "your vocabulary for food": what may follow but such a thing.
NOT_SPECIAL = wordset(
    "me this that these today now the your my you a an which band general total all fact our it both its short "
    "summary terms at there here i we us score level where because particular comparison contrast turn short "
    "fairness what"
)
# "Six is where your grammar ends up."
WHICH = wordset("what where")
TO_BE = wordset("is was are were")
WHOSE = wordset("your i we you goes my")
PARTICIPLES = wordset("given put written noted down made set held kept")
# "I think six for grammar is fair."
FAIR = wordset("fair right accurate appropriate correct")
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
    "delighted colon performance skills ability where hit reached managed have has been another about right exactly "
    "goes down do deserve deserves merit sit landed land place placing placed call calling okay ok yes yeah sure "
    "certainly final total part criterion category area side front terms like definitely clearly only can want up "
    "there value points speaking english use control component test language work making make makes taking take "
    "takes bring brings bringing leave leaves lead leads works average averages round rounds rounded raise raised "
    "raising revise revising change changing changed move moved moving correct correcting adjusted adjust upgrade "
    "upgraded upgrading bump bumping sorry no actually rather mean meant wait or"
)
GIVING = wordset(
    "give gave giving given award awarding awarded say put putting rate score scored assign assigning get gets got "
    "receive received receives earn earned earns is was at of are band bands level grade mark call comes be equals "
    "sits stands lands place deserve deserves to with have hit reached managed thinking saying calling rated marked "
    "graded assessed judged"
)
# So much as "therefore": what follows sums up more than its neighbour.
RESULTS = wordset("so therefore thus hence which")

# "A six has been given for fluency."
PASSIVE = wordset("has been was is")
PREPOSITIONS = wordset("for in on under against beside regarding to as when is was goes across")
# Right before "your vocabulary" these say what a number further ahead is for, unless the clause breaks off before.
ASSIGNS = wordset("for under against beside alongside opposite")
ALSO_ASSIGN = (("next", "to"), ("as", "far", "as"))
OWNERS = wordset("your the both my")
BREAKS_OFF = CLAUSE_WORDS | wordset("and or with without before after from by until than not if unless when why how")

DETERMINERS = wordset(
    "you am giving going fair right fine what i would have has given your the both my a of all each criterion score "
    "scores band mark when it comes to on and that give for in terms regard regards respect side also this front "
    "number result grade level rating more accurate closer appropriate"
)
CO_ORDINATES = wordset(", and plus both as well your the for in also & - then again on")
REJOINS = wordset("for in on")
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
REPAIRS = phrases(
    "misread, misheard, made a mistake, got that wrong, sorry, no, actually, i mean, i meant, rather, make that, "
    "make it, correction, scratch that, strike that, let me correct, let me rephrase, wait, my mistake, my "
    "apologies, apologies, excuse me, pardon, in fact, should be, should have been, should say, should have said, "
    "should read, ought to be, ought to read, i misspoke, changed my mind, miscounted, miscalculated, misjudged, "
    "let us say, let us make it, let us make that, on reflection, on second thoughts, on second thought, it is now, "
    "that is now, thinking about it, i take that back, i take it back, changing that to, changing it to, change "
    "that to, change it to, my bad, my fault, oops, whoops, raise that to, raise it to, raising that to, raising it "
    "to, revise that to, revise it to, revising that to, go up to, go down to, up to, down to"
)
REPAIR_WORDS = wordset(
    "bad fault oops whoops misread misheard made got wrong going go down here earlier before am but changing raise "
    "raising revise revising up first that to put sorry no actually i mean meant rather or make it correction "
    "scratch strike let me correct rephrase wait my mistake apologies excuse pardon in fact should ought be have "
    "been say said read misspoke us on reflection second thoughts thought thinking about take back oh a an the is "
    "hang hold moment minute was well um yes just myself band would will give you better again score not quite so "
    "as for your want change please what of at mark grade level do did and there one more think ah now another look"
)
AGREES = wordset("yes yeah indeed correct")
# "A five, but listening back it is a six"
PAUSED = wordset(", … - or")
TURNS = wordset("but however though")
TURNS_TO = phrases("it is, that is, i will, let us, should be, i am going")
# "Everything was a seven apart from grammar", "a six in everything else"
EXCEPT = wordset("apart except but besides else others rest bar")
# Between two numbers in one breath: "a seven... well, a six and a half".
IN_ONE_BREATH = wordset("well oh")
# "Six, or maybe seven", "seven or above": no one value.
OR_MAYBE = wordset("maybe perhaps possibly even just")
OR_MORE = wordset("above higher more better below lower less so thereabouts")
# Who else than these gets, has, or is given a six is not the caller: "the last candidate got a six".
HAVING = wordset(
    "get gets got gotten has had have score scored scores receive received earned achieved thought reached"
)
GRANTING = wordset("give gave gives given award awarded")
# "I got a six" is the examiner's own, or read out; "I have got a six" is not.
RECEIVING = wordset("got received earned achieved scored")
THIRD = wordset("me him her them us")
HAVERS = wordset(
    "me in i you we it that this which one ones each both all everything and or but so then overall score scores "
    "band mark grade result performance speaking english what here now to can where criterion criteria area "
    "category"
)
AUXILIARIES = wordset(
    "has have had been just also already actually only still will would did do does is am are was were be been "
    "being going gonna have having again"
)
BRINGS = phrases("brings it, takes it, makes it, moves it, brings that, takes that")
# Said before a correction: "let me just recheck the sums".
SLIPS = phrases(
    "recheck, recalculate, reconsider, rethink, think again, double check, convinced, fair point, check again, "
    "check my, check the, added it up wrong, not right, not be right, listening back, not look right, not sound "
    "right, not seem right, wrong, mistake, misread, error in my, typo, i mixed, i have mixed, mixed that up, on my "
    "part, seems high, seems low, sounds high, sounds low, too high, too low, too generous, too harsh, too strict, "
    "too much, too kind, bit harsh, bit generous, bit high, bit low, did i say, swapped, let me adjust, let me "
    "revise, let me change, let me clarify, should clarify, look again, looking again, looking back, having "
    "thought, having looked, on second look, correct myself"
)
# Said of the last two scores: "no, the other way round".
SWAPS = phrases("other way round, other way around, wrong way round, wrong way around, reversed")
WITHDRAWS = phrases(
    "scratch that, strike that, i take that back, i take it back, ignore that, forget that, disregard that"
)
OPENERS = wordset("so and now well okay ok right alright then but great good thank you")

SAME = phrases(
    "the same again, the same score, the same band, the same mark, the same grade, the same level, the same value, "
    "exactly the same, the same, same again, same score, same band, same here, same, likewise, ditto, as is, as "
    "was, so is, so was, so does, so did, so were, so are, so has"
)
# "So is your grammar."
SO_IS = frozenset(("so", verb) for verb in ("is", "was", "does", "did", "were", "are", "has"))
AFTER_SAME = wordset("for in on and with as here too again also because since today")
ALL = phrases(
    "all of the criteria, all the criteria, all of the categories, all criteria, all categories, all areas, all of "
    "them, each criterion, each category, every criterion, every category, everything, across the board"
)

# "It falls to a five when you hurry" tells of a habit.
HABITS = wordset("when whenever")
# "I will give you four scores and then an overall one."
PRONOUN_ONE = wordset("a an the another")
# "At band seven, hesitation is rare": of anyone; "at band seven, you ...": of the caller.
ADDRESSING = wordset("you your yours i my our")
SUBJECTS = wordset("that this it these those there the a an all both we")
# "Seven again, that is your pronunciation."
LIKEWISE = wordset("again too also now once more yet here then")
ONCE_MORE = (("once", "more"), ("yet", "again"))
POINTING = frozenset({("that", "is"), ("it", "is"), ("that", "was"), ("this", "is")})
# "Your fluency, and I say this as someone who has heard many, | is a six": what it is said of was named before.
PARENTHESIS_OPENS = frozenset({("(",), (",", "which"), ("-", "which")}) | {
    (mark, "and", word) for mark in ",-" for word in ("i", "this", "it", "that", "we")
}
PARENTHESIS_CLOSES = frozenset({",", ")", "-"})
RESUMES = COPULAS | wordset("comes sits stands lands deserves merits earns goes")

# "I am going to give you a six, and for vocabulary a seven": the six is for what was announced before.
AWARDS = wordset("give giving given award awarding awarded say put")
# "Suppose you got a six in all. | That would make a six": no more than the supposition.
SUPPOSES = phrases("hypothetically, imagine, suppose, pretend, as an example")
FOLLOWING_FROM = wordset("that it this which then")
# "Content makes up 30 percent, delivery 20 percent"
WEIGHTS = phrases("makes up, make up, made up, counts for, count for, is worth, accounts for, weighs")

# Behind a number that begins a sentence, these say no more than that it is the score.
ALONE = frozenset(
    {
        ("from", "me"),
        ("as", "well"),
        ("too",),
        ("again",),
        ("also",),
        ("seems",),
        ("feels",),
        ("seemed",),
        ("felt",),
        ("here",),
        ("there",),
    }
)
# Right before "to six": no score.
NOT_UP_TO = wordset(
    "close closer near nearer next according compared similar prior up path way road key get go want try trying "
    "relative come back listen listened spoke talk talked due one two zero nought want compare add"
)
COUNTS = {"four": 4, "five": 5, "six": 6, "three": 3, "seven": 7}
BEFORE_ONE = frozenset(["", "a", "band", "of", "at", "is", ":", "-", "=", ",", "score", "you", "overall"])
# "Two grammar mistakes", "the vocabulary class": a word of the trade, not the criterion.
NOUNS = wordset(
    "mistake mistakes error errors issue issues problem problems point points item items word words slip slips "
    "thing things exercise exercises book books textbook textbooks rule rules lesson lessons question questions "
    "topic topics teacher coach class classes course courses workshop workshops quiz quizzes homework practice test "
    "tests exam game app club session sessions drill drills section structures descriptor descriptors guide notes "
    "tips"
)
# "Overall" before another word is an adjective: "your overall impression".
SUMS_UP = wordset("same comes works maybe perhaps well great good lovely nice could might assessment")
AFTER_OVERALL = LIGHT | FOLLOWS | LEADS_TO | REPAIR_WORDS | LOCAL | SUMS_UP
