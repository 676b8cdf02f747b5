"""A sequence goes on drafting while the next token is worth its own cost in this step, and widens where that pays.

Source: the greedy choice of nodes in EAGLE-2 (Li et al. 2024) and Sequoia (Chen et al. 2024), priced as in SmartSpec
"""

RECENT = 0.3273  # tune: 0..1
CONFIDENCE = 0.507  # tune: 0..1
PRIOR = 3.539  # tune: 0.1..40 log
WORTH = 1.455  # tune: 0.3..3 log
WIDEN = 1.149  # tune: 0.1..4 log
EXPLORE = 4.723  # tune: 1..40 log

_plan = {"chance": 0.5, "price": 0.0}


def time(tokens, knee):
    return (1.0 + (tokens / knee) ** 2) ** 0.5


def length(sequence, batch):
    own = RECENT * sequence.recent + (1.0 - RECENT) * sequence.rate
    learnt = (sequence.tested * own + PRIOR * batch.acceptance) / (sequence.tested + PRIOR)
    chance = min(0.98, (1.0 - CONFIDENCE) * learnt + CONFIDENCE * sequence.confidence)
    # All sequences plan much as this one does: then each token beside it costs the slope of the pass at that load.
    found, knee = 0, batch.knee
    drafting = batch.draft_cost * time(batch.active, knee) / batch.active
    gained, spent = 1.0, time(batch.active, knee) / batch.active
    value = 1.0
    for k in range(1, 13):
        value *= chance
        load = batch.active * (1.0 + k)
        price = load / knee / knee / time(load, knee)
        deeper = drafting + price
        if value < WORTH * deeper * gained / spent:
            break
        gained += value
        spent += deeper
        found = k
    if found == 0 and sequence.idle >= EXPLORE:
        found = 1
    load = batch.active * (1.0 + found)
    _plan["chance"] = chance
    _plan["price"] = load / knee / knee / time(load, knee) * gained / spent
    return found


def width(sequence, batch):
    # Alternatives come into play where the chain breaks; each level more of them costs one token a level.
    chance, depth = _plan["chance"], sequence.chosen
    breaks = 1.0 - chance**depth
    for w, share in ((4, 0.2), (3, 0.3), (2, 0.5)):
        if WIDEN * breaks * batch.rescued * share > depth * _plan["price"]:
            return w
    return 1
