RECENT = 0.3273
CONFIDENCE = 0.507
PRIOR = 3.539
WORTH = 1.455
WIDEN = 1.149
EXPLORE = 4.723
_plan = {'chance': 0.5, 'price': 0.0}

def time(tokens, knee):
    return (1.0 + (tokens / knee) ** 1.58) ** 0.5

def length(sequence, batch):
    own = RECENT * sequence.recent + (1.0 - RECENT) * sequence.rate
    learnt = (sequence.tested * own + PRIOR * batch.acceptance) / (sequence.tested + PRIOR)
    chance = min(0.98, (1.0 - CONFIDENCE) * learnt + (1.0 - 0.507) * sequence.confidence)
    found, knee = (0, batch.knee)
    drafting = batch.draft_cost * time(batch.active, knee) / batch.active
    gained, spent = (1.0, time(batch.active, knee) / batch.active)
    value = 1.0
    for k in range(1, 13):
        value *= chance
        load = batch.active * (1.0 + k) + 0.0174 * (sequence.generated + sequence.tested)
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
    _plan['chance'] = chance
    _plan['price'] = load / knee / knee / time(load, knee) * gained / spent
    return found

def width(sequence, batch):
    chance, depth = (_plan['chance'], sequence.chosen)
    breaks = 1.0 - chance ** depth
    for w, share in ((4, 0.2), (3, 0.323), (2, 0.5)):
        if WIDEN * breaks * batch.rescued * share > depth * _plan['price'] * (1.0 + 0.0604 * sequence.confidence):
            return w
    return 1
