--- Ghost text that this module draws itself: for Neovim 0.11, which has none, and for who wants to
--- dismiss a suggestion or to ask for one in 0.12.
local accept = require('homespun.accept')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2

local namespace = vim.api.nvim_create_namespace('homespun')
local timer = assert(vim.uv.new_timer())
local pause_ms
local suggestion -- as `show` makes it: columns in bytes, rows from 0
local pending -- { client, id }

local function hide()
  if suggestion and vim.api.nvim_buf_is_valid(suggestion.buffer) then
    vim.api.nvim_buf_clear_namespace(suggestion.buffer, namespace, 0, -1)
  end
  suggestion = nil
end

local function stop()
  timer:stop()
  if pending then
    pending.client:cancel_request(pending.id)
    pending = nil
  end
end

--- What of the suggestion is not typed yet; nil when the cursor or the text has gone another way.
local function rest_of(it)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  if vim.api.nvim_get_current_buf() ~= it.buffer or row - 1 ~= it.row or column < it.from then
    return nil
  end
  local typed = vim.api.nvim_get_current_line():sub(it.from + 1, column)
  if not vim.startswith(it.text, typed) or #typed == #it.text then
    return nil
  end
  return it.text:sub(#typed + 1), column
end

local function draw()
  local rest, column = rest_of(suggestion)
  if not rest then
    return hide()
  end
  local lines = vim.split(rest, '\n', { plain = true })
  local below = vim.tbl_map(function(line)
    return { { line, 'HomespunGhost' } }
  end, vim.list_slice(lines, 2))
  vim.api.nvim_buf_clear_namespace(suggestion.buffer, namespace, 0, -1)
  vim.api.nvim_buf_set_extmark(suggestion.buffer, namespace, suggestion.row, column, {
    virt_text = { { lines[1], 'HomespunGhost' } },
    virt_text_pos = 'inline',
    virt_lines = #below > 0 and below or nil,
  })
end

local function show(item, client, buffer)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local line = vim.api.nvim_get_current_line()
  local from, to = column, column
  if item.range then
    from = vim.str_byteindex(line, client.offset_encoding, item.range.start.character, false)
    to = vim.str_byteindex(line, client.offset_encoding, item.range['end'].character, false)
  end
  suggestion = {
    buffer = buffer,
    row = row - 1,
    from = from,
    right = #line - to, -- bytes to the right that stay, whatever is typed meanwhile
    text = item.insertText, -- from `from` on
    taken = '', -- what was accepted in parts before `from`
    item = item,
    client = client,
  }
  draw()
  client:notify('textDocument/didShowCompletion', { item = item })
end

local function ask(kind)
  stop()
  local buffer = vim.api.nvim_get_current_buf()
  local client = vim.lsp.get_clients({ bufnr = buffer, name = 'homespun' })[1]
  if not client or not accept.is_typing(buffer) then
    return
  end
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  local asked = { client = client }
  -- The real buffer number: with 0 the server would be asked before it is told of the last key.
  local sent, id = client:request(METHOD, params, function(failure, result)
    if pending ~= asked then
      return -- it was on its way when it was cancelled
    end
    pending = nil
    local moved = not accept.is_typing(buffer)
      or vim.api.nvim_buf_get_changedtick(buffer) ~= tick
      or not vim.deep_equal(vim.api.nvim_win_get_cursor(0), cursor)
    if failure or moved then
      return
    end
    hide()
    local item = result and (result.items or result)[1]
    if item then
      show(item, client, buffer)
    end
  end, buffer)
  asked.id = id
  pending = sent and asked or nil
end

--- A key that the suggestion has foreseen only shortens it; any other key asks anew.
local function follow()
  if suggestion and rest_of(suggestion) then
    return draw()
  end
  hide()
  stop()
  timer:start(pause_ms, 0, vim.schedule_wrap(function()
    ask(AUTOMATIC)
  end))
end

local function take_away()
  stop()
  hide()
end

local function take_all(it)
  hide()
  stop()
  local to = #vim.api.nvim_get_current_line() - it.right
  accept.insert(it.text, it.row, it.from, to)
  if it.item.command then
    it.client:exec_cmd(it.item.command, { bufnr = it.buffer })
  end
end

--- Insert a part; what is left becomes the suggestion.
local function take_part(it, piece, rest, column)
  local typed = it.text:sub(1, #it.text - #rest)
  it.row, it.from = accept.insert(piece, it.row, column, column)
  it.text = rest:sub(#piece + 1)
  it.taken = it.taken .. typed .. piece
  draw()
  accept.tell(it.client, it.item, it.taken)
end

--- Begin to draw suggestions.
function M.setup(options)
  pause_ms = options.pause_ms
  vim.api.nvim_set_hl(0, 'HomespunGhost', { link = 'Comment', default = true })
  local group = vim.api.nvim_create_augroup('homespun.drawn', {})
  vim.api.nvim_create_autocmd(
    { 'InsertEnter', 'CursorMovedI', 'TextChangedI' },
    { group = group, callback = follow }
  )
  vim.api.nvim_create_autocmd({ 'InsertLeave', 'BufLeave' }, {
    group = group,
    callback = function()
      take_away() -- and nothing returned: true would end the autocommand
    end,
  })
end

--- Ask for what was typed before the server was there.
function M.attached(buffer)
  vim.schedule(function()
    if accept.is_typing(buffer) then
      follow()
    end
  end)
end

--- Accept 'all', a 'word' or a 'line' of the suggestion; false where there is none.
function M.accept(part)
  local rest, column
  if suggestion then
    rest, column = rest_of(suggestion)
  end
  if not rest then
    return false
  end
  local piece = accept.first(rest, part)
  if #piece == #rest then
    take_all(suggestion)
  else
    take_part(suggestion, piece, rest, column)
  end
  return true
end

--- Take the suggestion off the screen, so that it does not come back here; say whether there was one.
function M.dismiss()
  local it = suggestion
  if it and it.item.command then
    local command = { command = 'homespun.dismissed', arguments = it.item.command.arguments }
    it.client:request('workspace/executeCommand', command, function() end, it.buffer)
  end
  take_away()
  return it ~= nil
end

--- Ask for a suggestion now.
function M.ask()
  ask(INVOKED)
  return true
end

return M
