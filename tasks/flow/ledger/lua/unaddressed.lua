-- Find what may be slotline's own in Celery's default queue, by the name of its task. Changes nothing.
-- KEYS: the lists of the queue
-- ARGV: messages in a slice; bytes after which a slice ends early; one index a list, where its second slice begins;
--   then the names of slotline's tasks
-- Returns, for each list: the index for the next look, and after it the messages found, the newest first. Guarantee:
-- each list is looked at in two slices, its newest messages and those from the index on, so the cost is bounded
-- however long it is. The indexes count from the end at which messages come in: what is taken at the other end does
-- not shift them, so a walk over several looks leaves nothing out.
local LIMIT, BYTES, AT_ONCE = tonumber(ARGV[1]), tonumber(ARGV[2]), 20

local is_ours = {}
for i = 3 + #KEYS, #ARGV do
  is_ours[ARGV[i]] = true
end

-- A plain search, because decoding each message of another application would cost much more.
local function may_be_ours(message)
  local at = string.find(message, '"task"', 1, true)
  while at do
    local name = string.match(message, '^"task"%s*:%s*"([^"]*)"', at)
    if name and is_ours[name] then
      return true
    end
    at = string.find(message, '"task"', at + 1, true)
  end
  return false
end

local function look(list, from, found)
  local to, bytes = from + LIMIT, 0
  while from < to and bytes < BYTES do
    local messages = redis.call('LRANGE', list, from, math.min(from + AT_ONCE, to) - 1)
    if #messages == 0 then
      break
    end
    for _, message in ipairs(messages) do
      bytes = bytes + #message
      if may_be_ours(message) then
        found[#found + 1] = message
      end
    end
    from = from + #messages
  end
  return from
end

local looks = {}
for i, list in ipairs(KEYS) do
  local found = {0}
  local index = math.max(look(list, 0, found), tonumber(ARGV[2 + i]))
  index = look(list, index, found)
  if index < redis.call('LLEN', list) then
    found[1] = index
  end
  looks[i] = found
end
return looks
