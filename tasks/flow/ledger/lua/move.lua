-- Move messages from one list to others, each in another text.
-- KEYS: the list that they wait in; then, one a message, the list that it goes to
-- ARGV: two a message: its text in the first list, and in the second
-- Returns how many were moved. Guarantee: a message is in one of the lists, never in both and never in none; one that
-- was taken meanwhile is left alone.
local moved = 0
for i = 2, #KEYS do
  -- From the end at which messages come in: those to be moved are mostly new.
  if redis.call('LREM', KEYS[1], 1, ARGV[2 * i - 3]) == 1 then
    redis.call('LPUSH', KEYS[i], ARGV[2 * i - 2])
    moved = moved + 1
  end
end
return moved
