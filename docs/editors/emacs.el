;;; emacs.el --- homespun in Emacs 28 or newer with lsp-mode 10  -*- lexical-binding: t; -*-

;; Install homespun, run `homespun models fetch` (docs/editors.md) and M-x package-install lsp-mode
;; (10.0.0 or newer), then copy this to your init file.
;; Ghost text comes when you pause; TAB or C-RET accepts, C-g dismisses, M-x lsp-inline-completion-display asks now.

(require 'lsp-mode)
(require 'lsp-inline-completion)

(defgroup homespun nil "Code completion that knows this repository." :group 'tools)

(defcustom homespun-command '("homespun" "serve" "--stdio")
  "The command that starts the language server."
  :type '(repeat string))

;; A pause of 2 s is lsp-mode's default; the server keeps up with less. lsp-idle-delay (0.5 s) comes
;; on top of it, and is also the pause of all else that lsp-mode does, so it is yours to change.
(setq lsp-inline-completion-idle-delay 0.1)

;; The root of the project is the nearest folder with .git (which Emacs knows) or .homespun.
(setq lsp-auto-guess-root t)
(defun homespun-project (directory)
  "Return the project around DIRECTORY that has a folder .homespun."
  (when-let ((root (locate-dominating-file directory ".homespun")))
    (cons 'transient root)))
(add-hook 'project-find-functions #'homespun-project t)

(lsp-register-client
 (make-lsp-client
  :server-id 'homespun
  :new-connection (lsp-stdio-connection (lambda () homespun-command))
  :activation-fn (lambda (_file _mode) t) ; every language
  :add-on? t                              ; beside the language's own server
  ;; What homespun.toml may say, in camelCase:
  ;; :initialization-options '(:completion (:maxTokens 32))
  ))
(add-hook 'prog-mode-hook #'lsp-deferred)

(dolist (key (list (kbd "TAB") (kbd "<tab>")))
  (define-key lsp-inline-completion-active-map key #'lsp-inline-completion-accept))

;;; emacs.el ends here
