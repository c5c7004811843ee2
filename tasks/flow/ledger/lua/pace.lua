-- Note how long parts took that a slot has settled, as a sample of the pace of their model.
-- KEYS: none beside those that follow from the jobs' ids: slotline:job:<id>, :attempts, :sizes (read only), and
--       slotline:pace:<model> (tasks/redis/lua/pace.lua)
-- ARGV: for parts that ended together: how many ms ago, how many ms after the end before them in this slot (-1: not
--       known), how many they are, then job, part, job, part, …, of which the first was claimed first; and so on
-- Returns the ms that count. Parts whose job was removed, or has no sizes, do not.
-- A slot computes one thing after the other, so the time between two ends is what the later one took, however early
-- it was claimed. Where the slot had nothing to do, its time begins with the claim. A slot with work in hand takes a
-- moment between an end and the next claim; that is part of the time.
local OWN_MS = 50
local now = now_ms()
local model, parts, size, ms = nil, 0, 0, 0

-- The size of the parts in ARGV from `first` to `last`; nothing if one of them is not known.
local function size_of(first, last)
  local sum = 0
  for i = first, last, 2 do
    local at = (tonumber(ARGV[i + 1]) - 1) * 4
    local packed = redis.call('GETRANGE', key_of(ARGV[i], 'sizes'), at, at + 3)
    if #packed < 4 then return nil end
    sum = sum + struct.unpack('>I4', packed)
  end
  return sum
end

local i = 1
while i < #ARGV do
  local ended, since, count = now - ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local job, first = ARGV[i + 3], ARGV[i + 4]
  local from = tonumber(redis.call('HGET', key_of(job, 'attempts'), first .. '@') or nil)
  local whole = from and size_of(i + 3, i + 2 + 2 * count)
  if whole then
    if since >= 0 and ended - since > from - OWN_MS then from = ended - since end
    parts, size, ms = parts + count, size + whole, ms + math.max(ended - from, 0)
    model = model or redis.call('HGET', key_of(job), 'model')
  end
  i = i + 3 + 2 * count
end
if model then note_pace(model, parts, size, ms, now) end
return ms
