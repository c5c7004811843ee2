-- Acknowledge, then take messages and the leases on them. The only pop of slotline's readers.
-- KEYS[3] slotline:setaside, KEYS[4] slotline:idle:<queue> (sorted set: a slot that holds nothing and looks for work
-- -> until when that counts, ms of Redis' clock), KEYS[5…] the lists to read, the most urgent first
-- also: slotline:fair:<queue> (hash: priority -> its credit, in millionths of a message), slotline:delayed,
-- slotline:setaside:about; slotline:paused, and slotline:job:<id> of a message with an eta, read only; those of _prefer.lua
-- ARGV[2] lease in ms, ARGV[3] how many at most, ARGV[4] messages of one batch of this slot (0: no slot, it does
-- not share), ARGV[5] how many it holds, ARGV[6] for how many ms it counts as idle when it finds nothing,
-- ARGV[7] the share of each less urgent list (0: none), ARGV[8] what this slot has loaded (`loaded` or `unloaded`: its one
-- model; `registry`; empty: not told), ARGV[9] the word of a registry's default model, or empty,
-- ARGV[10…] keys to acknowledge first (those still ours)
-- Returns {taken, aside, more, held_back, now, paused}: taken = key, list, message, …; aside = list, reason, …;
-- more = 1 when a limit stopped it; held_back = 1 when it left messages to other slots (0 where there are none: it may wait
-- for one);
-- now = ms of Redis' clock; paused = 1 when a queue of these lists is paused.
-- Guarantee: a taken message is held under a key of its own before it has left this script; two with one tag are two.
-- Guarantee: what waits is divided among the idle slots; a slot that holds messages leaves a batch to each of them.
-- An idle slot that does not come for it (it is frozen, or died) counts as idle for ARGV[6] ms more.
-- Guarantee: a message whose eta has not come is not taken but delayed; any reader sends what is due, of any queue. So
-- a delayed message needs no certain worker, and is shared like any other when it is due.
-- Guarantee: of a queue that is paused nothing is taken, whatever waits there, as long as it is.
-- Guarantee: the more urgent list comes first. Of what is taken while it has something, each less urgent list that has
-- something gets the share ARGV[7] (of several the same, if they ask for more than there is): a credit in Redis that
-- grows with each message taken, so it holds over all readers of a queue, and batches of any size.
-- Guarantee: of one list, what other slots have the model for is left to them until the wait exceeds a load (_prefer.lua).
local SET_ASIDE, IDLE, FIRST_LIST = KEYS[3], KEYS[4], 5
local MOVED_AT_MOST = 100 -- messages that one call sets aside or delays, and messages that it sends because they are due
local now, asked, batch, held = now_ms(), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

for i = 10, #ARGV do
  if ours(ARGV[i]) then forget(ARGV[i]) end
end

-- What the message calls itself and its headers, or nil and why it cannot be taken.
local function read(message)
  local ok, decoded = pcall(cjson.decode, message)
  -- Half of a surrogate pair is JSON for Python, not for Redis: the worker reads it, and answers it in words.
  if not ok and string.find(message, '\\u[dD]') then return 'half-a-surrogate', headers_of(message) end
  if not ok then return nil, 'not JSON: ' .. tostring(decoded) end
  if type(decoded) ~= 'table' then return nil, 'not a JSON object' end
  local properties = decoded.properties
  if type(properties) ~= 'table' then return nil, 'no properties' end
  local tag = properties.delivery_tag
  if type(tag) == 'number' then tag = tostring(tag) end
  if type(tag) ~= 'string' or tag == '' then return nil, 'no properties.delivery_tag' end
  if type(properties.delivery_info) ~= 'table' then return nil, 'no properties.delivery_info' end
  return tag, type(decoded.headers) == 'table' and decoded.headers or {}
end

-- The sender chose the tag. As a key it is a short word: it goes through lists of lines, logs and other programs.
local LONGEST_KEY = 200

local function free_key(tag)
  local word = string.gsub(tag, '[^\33-\126]', function(char) return string.format('%%%02X', string.byte(char)) end)
  word = string.sub(word, 1, LONGEST_KEY)
  local key, n = word, 1
  while redis.call('HEXISTS', HELD, key) == 1 do
    n = n + 1
    key = word .. '#' .. n
  end
  return key
end

-- When a message is due, in ms, if that time is still to come. One that was cancelled is not kept: who takes it ends it.
local function later(headers)
  local due = type(headers.eta) == 'string' and ms_of(headers.eta)
  if not due or due <= now then return nil end
  -- An id comes from outside and may make another key's name; then Redis refuses, and the message is kept.
  local job = type(headers.id) == 'string' and 'slotline:job:' .. headers.id
  if job and redis.pcall('HGET', job, 'outcome') == 'REVOKED' then return nil end
  return due
end

if asked > 0 then send_due(now, MOVED_AT_MOST) end

-- The lists that may be read, and how many messages each has.
local lists, waiting, pauses, paused = {}, 0, {}, 0
for i = FIRST_LIST, #KEYS do
  local queue, step = string.match(KEYS[i], '^(.-)\6\22(%d+)$')
  queue, step = queue or KEYS[i], tonumber(step) or 0
  pauses[queue] = pauses[queue] or redis.call('HEXISTS', 'slotline:paused', queue)
  if pauses[queue] == 0 then
    local length = redis.call('LLEN', KEYS[i])
    lists[#lists + 1] = {name = KEYS[i], queue = queue, step = step, fair = 'slotline:fair:' .. queue, length = length}
    waiting = waiting + length
  else
    paused = 1
  end
end

local mode, idle, loaded_idle = ARGV[8], 0, 0
if batch > 0 and asked > 0 then
  redis.call('ZREM', IDLE, holder)
  redis.call('ZREMRANGEBYSCORE', IDLE, '-inf', now)
  idle = redis.call('ZCARD', IDLE)
  loaded_idle = idle
  if mode == 'loaded' and idle > 0 and waiting > 0 then -- where nothing waits, nothing is shared: that look is cheap
    loaded_idle = preference().idle_and_loaded(lists[1].queue, IDLE, now)
  end
end

-- How many of the messages that wait are this slot's to take. To an idle slot that would have to load first, an idle one
-- leaves only what is more than a batch.
local function share()
  if idle == 0 then return asked end
  if held > 0 then return math.max(0, math.min(asked, waiting - idle * batch)) end
  local part = math.ceil(waiting / (loaded_idle + 1))
  if loaded_idle < idle then part = math.min(part, math.max(batch, waiting - (idle - loaded_idle) * batch)) end
  return math.min(asked, part)
end

-- What this slot knows of the others of a queue; nil where it takes whatever comes next.
local prefers = (mode == 'unloaded' or mode == 'registry') and preference()
local preferring = {}

local function preferring_of(queue)
  preferring[queue] = preferring[queue] or prefers.look(queue, mode, ARGV[9], now, held)
  return preferring[queue]
end

-- The most urgent list that has something, and those less urgent that have something as well, with their credit.
local WHOLE = 1000000

local function contenders()
  local first, others = nil, {}
  for _, list in ipairs(lists) do
    if list.length > 0 and not first then
      first = list
    elseif list.length > 0 and list.step > first.step then
      list.credit = list.credit or tonumber(redis.call('HGET', list.fair, list.step) or 0)
      others[#others + 1] = list
    end
  end
  return first, others
end

-- From which list the next messages are taken, how many at most, and the others with what each taken one gives them.
local function next_run(limit)
  local first, others = contenders()
  local rate = math.floor(math.min(tonumber(ARGV[7]), 1 / (#others + 1)) * WHOLE + 0.5)
  if not first or rate == 0 then return first, limit, {}, 0 end
  local due
  for _, list in ipairs(others) do
    local before_its_turn = math.ceil((WHOLE - list.credit) / rate) - 1
    if before_its_turn < 1 and (not due or list.credit > due.credit) then due = list end
    limit = math.min(limit, before_its_turn)
  end
  if due then return due, 1, others, rate end
  return first, limit, others, rate
end

-- So many messages were taken from a list: those less urgent have a claim to their share of them.
local function credit(list, count, others, rate)
  for _, other in ipairs(others) do
    other.credit, other.is_changed = other.credit + count * rate - (other == list and count * WHOLE or 0), true
  end
end

local found, aside, moved = {}, {}, 0

local function sort(list, message)
  local tag, headers = read(message)
  local due = tag and later(headers)
  if tag and not due then
    found[#found + 1] = {tag, list.name, message, list.queue}
    return
  end
  if due then
    redis.call('ZADD', DELAYED, due, list.name .. '\n' .. message)
  else
    set_aside(SET_ASIDE, list.name, headers, message, now) -- in their place is the reason
    aside[#aside + 1], aside[#aside + 2] = list.name, headers
  end
  moved, waiting = moved + 1, waiting - 1
end

local wanted = share()
while #found < wanted and moved < MOVED_AT_MOST do
  local list, limit, others, rate = next_run(math.min(wanted - #found, MOVED_AT_MOST))
  if not list then break end
  local before, popped = #found, nil
  if prefers then
    popped = prefers.take(preferring_of(list.queue), list.name, list.length, limit, held + #found == 0)
    if #popped < limit then list.length = #popped end -- the others are not for this slot
  else
    popped = redis.call('RPOP', list.name, limit)
  end
  list.length = list.length - #popped
  for _, message in ipairs(popped) do sort(list, message) end
  credit(list, #found - before, others, rate)
end
for _, list in ipairs(lists) do
  if list.is_changed then
    redis.call('HSET', list.fair, list.step, list.credit)
    redis.call('PEXPIRE', list.fair, 86400000)
  end
end

-- The share was of more messages than can be taken now: what is others' goes back to where it was.
if moved > 0 then wanted = math.min(wanted, share()) end
for i = #found, wanted + 1, -1 do redis.call('RPUSH', found[i][2], found[i][3]) end

local taken, ends = {}, now + tonumber(ARGV[2])
local count = math.min(#found, wanted)
for i = 1, count do
  local tag, list, message, queue = unpack(found[i])
  local key = free_key(tag)
  redis.call('HSET', HELD, key, holder .. '\n' .. list .. '\n' .. message)
  redis.call('ZADD', LEASES, lease_end(ends, i - 1), key)
  taken[#taken + 1], taken[#taken + 2], taken[#taken + 3] = key, list, message
  if preferring[queue] then prefers.took(preferring[queue], tag, message) end
end

local left = 0
for _, slot in pairs(preferring) do
  prefers.finish(slot)
  left = left + slot.left
end

if batch > 0 and asked > 0 and held + count == 0 then
  -- A full Redis refuses it, and that is no reason to fail: then nothing is left to this slot.
  redis.pcall('ZADD', IDLE, now + ARGV[6], holder)
  redis.pcall('PEXPIRE', IDLE, 60000)
end

local more = moved >= MOVED_AT_MOST or (count >= wanted and wanted == asked)
local is_held_back = not more and (left > 0 or (count >= wanted and wanted < asked and waiting > count))
return {taken, aside, more and 1 or 0, is_held_back and 1 or 0, now, paused}
