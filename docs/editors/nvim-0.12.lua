-- homespun in Neovim 0.12, with Neovim's own inline completion.
--
-- Install homespun, run `homespun models fetch` (docs/editors.md), then copy this file to
-- ~/.config/nvim/plugin/homespun.lua. In insert mode: <Tab> accepts.

vim.lsp.config('homespun', {
  cmd = { 'homespun', 'serve', '--stdio' },
  root_markers = { { '.git', '.homespun' } }, -- the nearest folder with either; no filetypes: all files
  -- What homespun.toml may say, in camelCase:
  -- settings = { homespun = { completion = { maxTokens = 32, disabledLanguages = { 'markdown' } } } },
})
vim.lsp.enable('homespun')
vim.lsp.inline_completion.enable()

-- Neovim keeps drawing a suggestion while its first characters are typed, but would then insert
-- those characters a second time. So only what is not typed yet is inserted, at the cursor.
local function rest_of(item)
  if type(item.insert_text) ~= 'string' or not item.range then
    return item
  end
  local from_row, from_column = item.range:to_extmark()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local typed = vim.api.nvim_get_current_line():sub(from_column + 1, column)
  if row - 1 ~= from_row or not vim.startswith(item.insert_text, typed) then
    return nil -- the text has gone another way
  end
  if typed == '' then
    return item
  end
  local rest = vim.split(item.insert_text:sub(#typed + 1), '\n', { plain = true })
  vim.api.nvim_buf_set_text(0, row - 1, column, row - 1, column, rest)
  vim.api.nvim_win_set_cursor(0, { row + #rest - 1, (#rest == 1 and column or 0) + #rest[#rest] })
  local client = vim.lsp.get_client_by_id(item.client_id)
  if client and item.command then
    client:exec_cmd(item.command)
  end
  return nil
end

vim.keymap.set('i', '<Tab>', function()
  if vim.fn.pumvisible() == 1 or not vim.lsp.inline_completion.get({ on_accept = rest_of }) then
    return '<Tab>'
  end
end, { expr = true, desc = 'Accept the suggestion' })
