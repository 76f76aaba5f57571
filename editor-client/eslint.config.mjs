import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["build/", "dist/", "node_modules/"] },
    js.configs.recommended,
    {
        files: ["src/**/*.ts", "test/**/*.ts"],
        extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            "@typescript-eslint/explicit-module-boundary-types": "error",
            "@typescript-eslint/no-invalid-void-type": ["error", { allowAsThisParameter: true }],
            "@typescript-eslint/switch-exhaustiveness-check": "error",
            "no-console": "error",
        },
    },
    {
        files: ["test/support/wholeVscode.ts"], // CommonJS
        rules: { "@typescript-eslint/no-require-imports": ["error", { allowAsImport: true }] },
    },
    {
        // node:test returns promises that nobody waits for.
        files: ["test/**/*.ts"],
        rules: { "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test", "describe", "it"] }] }] },
    },
    {
        files: ["**/*.{mjs,cjs}"],
        languageOptions: { globals: { console: "readonly", process: "readonly", Buffer: "readonly", URL: "readonly" } },
    },
);
