;; What `package-install` and a person's own settings would have done before homespun.el is loaded; the packages' folder gets autoloads.
;; Env: EMACS_LSP_MODE = folder with one folder a package (dash, f, ht, hydra, lsp-mode, lv, markdown-mode, s, spinner), EMACS_STATE.
(setq native-comp-deferred-compilation nil native-comp-jit-compilation nil) ; a compiler in the background takes seconds
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil)
(setq user-emacs-directory (file-name-as-directory (getenv "EMACS_STATE")))
(dolist (directory (directory-files (getenv "EMACS_LSP_MODE") t "^[a-z]"))
  (add-to-list 'load-path directory)
  (let ((autoloads (expand-file-name "editor-run-autoloads.el" directory)))
    (unless (file-exists-p autoloads) (make-directory-autoloads directory autoloads))
    (load autoloads nil t)))
(setq lsp-client-packages nil lsp-warn-no-matched-clients nil) ; no other server is looked for
(setq lsp-enable-snippet nil lsp-headerline-breadcrumb-enable nil python-indent-guess-indent-offset-verbose nil)
(setq blink-cursor-mode nil)
(menu-bar-mode -1)
