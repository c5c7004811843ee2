-- For reserve.lua: of the messages that wait, those which this slot leaves to another one that holds their model.
-- Defines one function, which makes the others: a slot with one model, loaded, needs none of them. The keys that they
-- touch, all of one queue, so of one model:
--   slotline:loaded:<queue>:<word>  zset    a slot that has this model of a registry loaded, or has taken a message that
--                                           needs it -> end of its lease, ms; <word> is empty where the queue has one model
--   slotline:room:<queue>           hash    a slot of a registry -> JSON: until_ms (end of its lease), room (how many
--                                           more models fit), coming (the words that it will load -> until when), over
--                                           (words that a slot without room took over from it -> until when), calm_ms
--                                           (when it had loaded all that it had to)
--   slotline:left:<queue>           hash    a message that was left to others: its tag -> since when (ms), how many of the
--                                           same model were before it, and how many messages overtook it
--   slotline:load:<queue>           string  how long a load takes, ms
-- A slot that lacks a model leaves its messages to slots that hold it, until the wait exceeds a load (two loads for a
-- registry without room: the model that has to go is loaded again later). It takes them then if it has nothing else to
-- do. With work of its own it goes on, but what was overtaken often and waits for long comes first. A model that no slot
-- holds is loaded by a slot that has room for it.
-- A slot without room that takes what one other holds takes the model over: else one of its own would be nowhere, and
-- each slot in turn would load what the one before has unloaded. The other has room for one more, as it no longer needs
-- this one; while it still has it, it takes messages for it when it has nothing else to do.
-- Who holds nothing any more, is frozen or dead, loses its leases; then nothing is left to it.

local function preference()
  local LOOK, FIRST_LOOK = 64, 8 -- the messages of a list that one call looks at, and those that it reads first
  local LEAST_MS, UNKNOWN_MS = 250, 2000 -- the shortest wait for a holder, and the wait while no load was measured yet
  local OVERTAKEN_AT_MOST, LONG = 100, 4 -- what waits for so many loads, and was overtaken so often, comes first
  local COMING_AT_MOST = 2 -- models that a slot will load for messages in its hand: the one that it loads now, and the next
  local SEEN_MS = 200 -- how long the progress of others is watched before it says anything
  local OVER_MS = 600000 -- how long a slot remembers that another one took a model over
  local HOLDS_MS = 15000 -- a slot that took a message for a model counts as its holder for so long, or for three loads

  local function keys_of(queue)
    return {loaded = 'slotline:loaded:' .. queue .. ':', room = 'slotline:room:' .. queue,
      left = 'slotline:left:' .. queue, load = 'slotline:load:' .. queue}
  end

  -- What is known of the slots of a queue, for one call. `mode`: `unloaded` (one model, which this slot has not loaded) or
  -- `registry`; `default` is the word of a registry's default model, or empty.
  local function look(queue, mode, default, now, held)
    local slot = {keys = keys_of(queue), mode = mode, default = default, now = now, held = held, words = {}, left = 0}
    slot.load_ms = tonumber(redis.call('GET', slot.keys.load)) or UNKNOWN_MS
    local kept = mode == 'registry' and redis.call('HGET', slot.keys.room, holder)
    slot.record = kept and cjson.decode(kept) or {room = 1}
    slot.over, slot.coming, slot.coming_count = slot.record.over or {}, {}, 0
    for word, till in pairs(held > 0 and slot.record.coming or {}) do -- with nothing in its hand nothing is coming
      if till > now then slot.coming[word], slot.coming_count = till, slot.coming_count + 1 end
    end
    return slot
  end

  local function holders_of(slot, word)
    local known = slot.words[word]
    if not known then
      local key = slot.keys.loaded .. word
      local mine = (tonumber(redis.call('ZSCORE', key, holder)) or 0) > slot.now
      known = {mine = mine, others = redis.call('ZCOUNT', key, slot.now, '+inf') - (mine and 1 or 0)}
      slot.words[word] = known
    end
    return known
  end

  -- Whether another slot has room for a further model.
  local function others_have_room(slot)
    if slot.is_elsewhere == nil then
      slot.is_elsewhere = false
      local records = redis.call('HGETALL', slot.keys.room)
      for i = 1, #records, 2 do
        local one = records[i] ~= holder and cjson.decode(records[i + 1])
        if one and one.until_ms > slot.now and one.room > 0 then slot.is_elsewhere = true end
      end
    end
    return slot.is_elsewhere
  end

  -- A field's text in a message, without decoding all of it: inside another text the quotes would be escaped.
  local function field_of(message, name)
    local _, at = string.find(message, name, 1, true)
    return at and string.match(message, '^ ?"([^"]*)"', at + 1)
  end

  -- The word of the model that a message needs; nil when it does not say.
  local function word_of(slot, message)
    if slot.mode == 'unloaded' then return '' end
    local word = field_of(message, '"slotline_variant":') or slot.default
    return word ~= '' and word or nil
  end

  -- `take` it, `load` its model for it, or `leave` it to others.
  local function class_of(slot, word)
    if not word then return 'take' end
    local known = holders_of(slot, word)
    if known.mine then return 'take' end
    if known.others > 0 then return 'leave' end
    if slot.mode == 'unloaded' then return 'take' end
    return (slot.record.room > 0 or not others_have_room(slot)) and 'load' or 'leave'
  end

  -- The next messages of a list, the first to be taken first, each with its class, until `limit` are not others'.
  local function look_at(slot, list, limit)
    local seen, of_word, count = {}, {}, 0
    for _, range in ipairs({{-FIRST_LOOK, -1}, {-LOOK, -FIRST_LOOK - 1}}) do
      local raw = redis.call('LRANGE', list, range[1], range[2])
      for i = #raw, 1, -1 do
        if count >= limit then return seen, of_word end
        local word, tag = word_of(slot, raw[i]), field_of(raw[i], '"delivery_tag":')
        local class = tag and class_of(slot, word) or 'take'
        local ahead = word and of_word[word] or 0
        if word then of_word[word] = ahead + 1 end
        if class == 'take' then count = count + 1 end
        seen[#seen + 1] = {message = raw[i], word = word, tag = tag, class = class, ahead = ahead}
      end
      if #raw < FIRST_LOOK or count >= limit then break end
    end
    return seen, of_word
  end

  local function read_marks(slot, seen)
    local those, tags = {}, {}
    for _, one in ipairs(seen) do
      if one.class == 'leave' then those[#those + 1], tags[#tags + 1] = one, one.tag end
    end
    if #tags == 0 then return end
    local marks = redis.call('HMGET', slot.keys.left, unpack(tags))
    for i, one in ipairs(those) do
      local since, ahead, overtaken = string.match(marks[i] or '', '^(%d+) (%d+) (%d+)$')
      one.is_marked = since ~= nil
      one.since, one.was_ahead = tonumber(since) or slot.now, tonumber(ahead) or one.ahead
      one.overtaken = tonumber(overtaken) or 0
      one.waited = slot.now - one.since
    end
  end

  local function write_marks(slot, seen, chosen_after)
    local marks = {}
    for i, one in ipairs(seen) do
      if one.class == 'leave' and not one.is_chosen then
        slot.left = slot.left + 1
        local by = chosen_after[i]
        if by > 0 or not one.is_marked then
          local mark = string.format('%.0f %d %d', one.since, one.was_ahead, one.overtaken + by)
          marks[#marks + 1], marks[#marks + 2] = one.tag, mark
        end
      end
    end
    if #marks == 0 then return end
    redis.pcall('HSET', slot.keys.left, unpack(marks)) -- a full Redis refuses it: then nobody's wait is known
    redis.pcall('PEXPIRE', slot.keys.left, math.max(60000, 2 * LONG * slot.load_ms))
  end

  -- Since when a holder of a model has nothing to load: 0 where it says nothing of loads, nil while all of them load.
  -- What waits behind a load does not wait because the holder has too much to do.
  local function calm_since(slot, word)
    local known = holders_of(slot, word)
    if known.is_calm_known then return known.calm_ms end
    known.is_calm_known = true
    for _, one in ipairs(redis.call('ZRANGEBYSCORE', slot.keys.loaded .. word, slot.now, '+inf')) do
      local kept = redis.call('HGET', slot.keys.room, one)
      local record = kept and cjson.decode(kept) or {}
      if one ~= holder and next(record.coming or {}) == nil then
        known.calm_ms = math.min(known.calm_ms or math.huge, record.calm_ms or 0)
      end
    end
    return known.calm_ms
  end

  -- Whether a message that was left to others has waited for so long, by a holder's fault or for any reason much longer.
  local function has_waited(slot, one, ms)
    if one.waited < ms then return false end
    local calm = calm_since(slot, one.word)
    return one.waited >= LONG * ms or (calm ~= nil and slot.now - math.max(calm, one.since) >= ms)
  end

  -- How long others take for what waits for one model, by the progress that was seen; nil when none was.
  local function others_need_ms(slot, seen, word, backlog)
    local last, calm = nil, calm_since(slot, word)
    for _, one in ipairs(seen) do
      local is_seen = one.word == word and one.is_marked and one.waited >= SEEN_MS and one.was_ahead > one.ahead
      if is_seen and calm and one.since >= calm then last = one end
    end
    return last and backlog * last.waited / (last.was_ahead - last.ahead)
  end

  -- The first message that is to be taken although others hold its model: the wait for them exceeds a load.
  local function first_overdue(slot, seen, of_word, length)
    local is_full, is_slow = slot.mode == 'registry' and slot.record.room <= 0, {}
    local patience = math.max(LEAST_MS, slot.load_ms) * (is_full and 2 or 1)
    for _, one in ipairs(seen) do
      if one.class == 'leave' then
        if (slot.over[one.word] or 0) > slot.now or has_waited(slot, one, patience) then return one end
        if is_slow[one.word] == nil then
          local need_ms = others_need_ms(slot, seen, one.word, of_word[one.word] * math.max(1, length / #seen))
          is_slow[one.word] = need_ms ~= nil and need_ms > patience
        end
        if is_slow[one.word] then return one end
      end
    end
  end

  local function choose_own(slot, seen, limit)
    local count, loads, coming = 0, slot.coming_count, {}
    for _, one in ipairs(seen) do
      if count >= limit then break end
      local class = one.class
      local is_often = class == 'leave' and one.overtaken >= OVERTAKEN_AT_MOST
      if is_often and has_waited(slot, one, LONG * slot.load_ms) then class = 'load' end
      if class == 'load' and not coming[one.word] and loads < COMING_AT_MOST then
        coming[one.word], loads = true, loads + 1
      end
      if class == 'take' or (class == 'load' and coming[one.word]) then
        one.is_chosen, count = true, count + 1
      elseif class == 'load' then
        slot.left = slot.left + 1
      end
    end
    return count
  end

  -- Take the chosen messages out of the list; those at its front in one step.
  local function take_out(list, seen)
    local taken, front = {}, 0
    while seen[front + 1] and seen[front + 1].is_chosen do front = front + 1 end
    if front > 0 then taken = redis.call('RPOP', list, front) end
    for i = front + 1, #seen do
      if seen[i].is_chosen then
        redis.call('LREM', list, -1, seen[i].message)
        taken[#taken + 1] = seen[i].message
      end
    end
    return taken
  end

  -- Take up to `limit` messages out of a list that has `length`, and note which were left to others.
  -- `is_idle`: this slot has nothing else to do.
  local function take(slot, list, length, limit, is_idle)
    local seen, of_word = look_at(slot, list, limit)
    read_marks(slot, seen)
    local count = choose_own(slot, seen, limit)
    if count == 0 and is_idle then
      local overdue = first_overdue(slot, seen, of_word, length)
      for _, one in ipairs(seen) do
        if overdue and one.word == overdue.word and count < limit then one.is_chosen, count = true, count + 1 end
      end
    end
    local after, chosen_after = 0, {}
    for i = #seen, 1, -1 do
      chosen_after[i] = after
      if seen[i].is_chosen then after = after + 1 end
    end
    write_marks(slot, seen, chosen_after)
    return take_out(list, seen)
  end

  -- Another slot no longer needs a model, because this one has no room and loads it now in its place.
  local function take_over(slot, word)
    local key = slot.keys.loaded .. word
    local others = redis.call('ZRANGEBYSCORE', key, slot.now, '+inf')
    local kept = #others == 1 and redis.call('HGET', slot.keys.room, others[1])
    if not kept then return end
    local record = cjson.decode(kept)
    record.room, record.over = record.room + 1, record.over or {}
    record.over[word] = slot.now + OVER_MS
    redis.pcall('HSET', slot.keys.room, others[1], cjson.encode(record))
    redis.call('ZREM', key, others[1])
  end

  -- A message was taken: whoever looks next knows that this slot holds its model, or loads it now.
  local function took(slot, tag, message)
    redis.pcall('HDEL', slot.keys.left, tag)
    local word = word_of(slot, message)
    if slot.mode ~= 'registry' or not word or holders_of(slot, word).mine then return end
    if slot.words[word].others > 0 and slot.record.room <= 0 and not slot.over[word] then take_over(slot, word) end
    slot.words[word].mine = true
    slot.over[word] = nil
    local till = slot.now + math.max(HOLDS_MS, 3 * slot.load_ms)
    redis.pcall('ZADD', slot.keys.loaded .. word, till, holder)
    redis.pcall('PEXPIRE', slot.keys.loaded .. word, 2 * (till - slot.now))
    slot.coming[word] = till
    slot.record.room = math.max(0, slot.record.room - 1)
    slot.is_changed = true
  end

  -- Keep what this slot will load.
  local function finish(slot)
    if not slot.is_changed then return end
    slot.record.coming, slot.record.over = slot.coming, slot.over
    slot.record.until_ms = math.max(slot.record.until_ms or 0, slot.now + HOLDS_MS)
    redis.pcall('HSET', slot.keys.room, holder, cjson.encode(slot.record))
    redis.pcall('PEXPIRE', slot.keys.room, 86400000)
  end

  -- How many of the idle slots have the queue's one model loaded; all where no slot says so.
  local function idle_and_loaded(queue, idle_key, now)
    local is_idle, count = {}, 0
    for _, one in ipairs(redis.call('ZRANGE', idle_key, 0, -1)) do is_idle[one] = true end
    for _, one in ipairs(redis.call('ZRANGEBYSCORE', 'slotline:loaded:' .. queue .. ':', '(' .. now, '+inf')) do
      if is_idle[one] then count = count + 1 end
    end
    return count
  end

  return {keys_of = keys_of, look = look, take = take, took = took, finish = finish, idle_and_loaded = idle_and_loaded}
end
