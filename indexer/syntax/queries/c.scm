; C and the part of C++ that is the same. Captures are explained in captures.py.
(function_definition declarator: (_) @declarator) @def.function
(declaration declarator: (_) @declarator) @def.declaration
(type_definition declarator: (_) @declarator) @def.type
(struct_specifier name: (type_identifier) @name body: (_)) @def.struct
(union_specifier name: (type_identifier) @name body: (_)) @def.struct
(enum_specifier name: (type_identifier) @name body: (_)) @def.enum
(enumerator name: (identifier) @name) @def.constant
(preproc_def name: (identifier) @name value: (_)) @def.constant
(preproc_function_def name: (identifier) @name value: (_) @body) @def.macro

(comment) @comment

(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))

(preproc_include path: (_) @import.module)
