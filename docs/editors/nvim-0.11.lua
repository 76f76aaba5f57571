-- homespun in Neovim 0.11, which has no inline completion of its own: this file draws it.
--
-- Install homespun, run `homespun models fetch` (docs/editors.md), then copy this file to
-- ~/.config/nvim/plugin/homespun.lua. In insert mode: <Tab> accepts, <C-]> dismisses, <M-\> asks now.
-- With Neovim 0.12 take nvim-0.12.lua.

local METHOD = 'textDocument/inlineCompletion'
local PAUSE_MS = 75 -- after a key, before the server is asked
local INVOKED, AUTOMATIC = 1, 2

local capabilities = vim.lsp.protocol.make_client_capabilities()
capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }

vim.lsp.config('homespun', {
  cmd = { 'homespun', 'serve', '--stdio' },
  root_markers = { { '.git', '.homespun' } }, -- the nearest folder with either; no filetypes: all files
  capabilities = capabilities,
  -- What homespun.toml may say, in camelCase:
  -- settings = { homespun = { completion = { maxTokens = 32, disabledLanguages = { 'markdown' } } } },
})
vim.lsp.enable('homespun')
vim.api.nvim_set_hl(0, 'HomespunGhost', { link = 'Comment', default = true })

local namespace = vim.api.nvim_create_namespace('homespun')
local timer = assert(vim.uv.new_timer())
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

-- What of the suggestion is not typed yet; nil when the cursor or the text has gone another way.
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
    text = item.insertText,
    command = item.command,
    client = client,
  }
  draw()
end

local function ask(kind)
  stop()
  local buffer = vim.api.nvim_get_current_buf()
  local client = vim.lsp.get_clients({ bufnr = buffer, name = 'homespun' })[1]
  if not client or vim.fn.mode():sub(1, 1) ~= 'i' then
    return
  end
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  -- The real buffer number: with 0 the server would be asked before it is told of the last key.
  local sent, id = client:request(METHOD, params, function(failure, result)
    pending = nil
    local moved = vim.api.nvim_get_current_buf() ~= buffer
      or vim.api.nvim_buf_get_changedtick(buffer) ~= tick
      or not vim.deep_equal(vim.api.nvim_win_get_cursor(0), cursor)
    if failure or moved or vim.fn.mode():sub(1, 1) ~= 'i' then
      return
    end
    hide()
    local item = result and (result.items or result)[1]
    if item then
      show(item, client, buffer)
    end
  end, buffer)
  pending = sent and { client = client, id = id } or nil
end

-- A key that the suggestion has foreseen only shortens it; any other key asks anew.
local function follow()
  if suggestion and rest_of(suggestion) then
    return draw()
  end
  hide()
  stop()
  timer:start(PAUSE_MS, 0, vim.schedule_wrap(function()
    ask(AUTOMATIC)
  end))
end

local function accept()
  if not suggestion then
    return
  end
  local it = suggestion
  local rest = rest_of(it)
  hide()
  stop()
  if not rest then
    return
  end
  local lines = vim.split(it.text, '\n', { plain = true })
  local to = #vim.api.nvim_get_current_line() - it.right
  vim.api.nvim_buf_set_text(it.buffer, it.row, it.from, it.row, to, lines)
  local column = (#lines == 1 and it.from or 0) + #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { it.row + #lines, column })
  if it.command then
    it.client:exec_cmd(it.command, { bufnr = it.buffer })
  end
end

local group = vim.api.nvim_create_augroup('homespun', {})
vim.api.nvim_create_autocmd({ 'InsertEnter', 'CursorMovedI', 'TextChangedI' }, { group = group, callback = follow })
vim.api.nvim_create_autocmd({ 'InsertLeave', 'BufLeave' }, {
  group = group,
  callback = function()
    stop()
    hide()
  end,
})

vim.keymap.set('i', '<Tab>', function()
  if vim.fn.pumvisible() == 1 or not suggestion then
    return '<Tab>'
  end
  vim.schedule(accept) -- text cannot be changed from inside an <expr> mapping
end, { expr = true, desc = 'Accept the suggestion' })

vim.keymap.set('i', '<C-]>', function()
  stop()
  hide()
end, { desc = 'Dismiss the suggestion' })

vim.keymap.set('i', '<M-\\>', function()
  ask(INVOKED)
end, { desc = 'Ask for a suggestion' })
