--- Neovim 0.12's own inline completion, and what it leaves out: what is typed along, parts of a
--- suggestion.
local accept = require('homespun.accept')

local M = {}

local CARRY_MS = 400 -- until then Neovim has asked for the rest and draws it again

local carried -- what a word or a line has left over, until Neovim draws it

local function client_of(item)
  local client = vim.lsp.get_client_by_id(item.client_id)
  return client and client.name == 'homespun' and client or nil
end

--- Insert a part of the `rest` of an item at the cursor; `taken` of the item stands before it.
local function take(item, taken, rest, part)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local piece = accept.first(rest, part)
  accept.insert(piece, row - 1, column, column)
  local client = vim.lsp.get_client_by_id(item.client_id)
  taken, rest = taken .. piece, rest:sub(#piece + 1)
  carried = nil
  if rest ~= '' then
    carried = {
      item = item,
      taken = taken,
      rest = rest,
      buffer = vim.api.nvim_get_current_buf(),
      tick = vim.api.nvim_buf_get_changedtick(0),
      cursor = vim.api.nvim_win_get_cursor(0),
      until_ms = vim.uv.now() + CARRY_MS,
    }
    if client_of(item) then
      accept.tell(client, { insertText = item.insert_text, command = item.command }, taken)
    end
  elseif client and item.command then
    client:exec_cmd(item.command)
  end
end

local function still_stands(it)
  return it
    and vim.uv.now() < it.until_ms
    and vim.api.nvim_get_current_buf() == it.buffer
    and vim.api.nvim_buf_get_changedtick(0) == it.tick
    and vim.deep_equal(vim.api.nvim_win_get_cursor(0), it.cursor)
end

--- Accept an item; return whether it could be, and what of it is left to Neovim. Neovim keeps
--- drawing one while its first characters are typed, but would then insert those characters a second
--- time, so only what is not typed yet is inserted.
local function on_accept(item, part)
  if type(item.insert_text) ~= 'string' or not item.range or not item.range:is_empty() then
    return true, item -- another server's snippet or replacement: Neovim knows how
  end
  local from_row, from_column = item.range:to_extmark()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local typed = vim.api.nvim_get_current_line():sub(from_column + 1, column)
  if row - 1 == from_row and vim.startswith(item.insert_text, typed) and typed ~= item.insert_text then
    take(item, typed, item.insert_text:sub(#typed + 1), part)
    return true
  end
  return false -- the text has gone another way
end

--- Have Neovim accept what it shows before the next key is read. It would do so later, behind the
--- keys that have come by then, of which one that ends insert mode takes the suggestion away.
local function get(options)
  local schedule, put_off = vim.schedule, {}
  vim.schedule = function(run)
    table.insert(put_off, run)
  end
  local succeeded, failure = pcall(vim.lsp.inline_completion.get, options)
  vim.schedule = schedule
  if not succeeded then
    error(failure, 0)
  end
  for _, run in ipairs(put_off) do
    run()
  end
end

--- Switch Neovim's inline completion on.
function M.setup(_)
  vim.lsp.inline_completion.enable()
end

--- Ask for what was typed before the server was there: Neovim asks when the cursor moves, and begins
--- to listen for that a little after a server is attached.
function M.attached(buffer)
  vim.schedule(function()
    vim.schedule(function() -- behind what Neovim itself has put off
      if accept.is_typing(buffer) then
        vim.api.nvim_exec_autocmds('CursorMovedI', { modeline = false })
      end
    end)
  end)
end

--- Accept 'all', a 'word' or a 'line' of the suggestion; false where there is none.
function M.accept(part)
  local is_taken = false
  get({
    on_accept = function(item)
      local left
      is_taken, left = on_accept(item, part)
      return left
    end,
  })
  if not is_taken and still_stands(carried) then
    take(carried.item, carried.taken, carried.rest, part)
    is_taken = true
  end
  return is_taken
end

return M
