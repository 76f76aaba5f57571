//! Reads arguments.
const std = @import("std");
const mem = @import("std").mem;
const Names = @import("names.zig").Names;
pub usingnamespace @import("../shared.zig");

/// A parameter.
pub fn Param(comptime Id: type) type {
    return struct {
        id: Id,
        const Self = @This();

        /// Reads its value.
        pub fn get(self: Self, text: []const u8) !?u32 {
            const local = mem.trim(u8, text);
            return parse(local);
        }
    };
}

/// What a parameter is called.
pub const Name = struct {
    short: ?u8 = null,

    /// The longest one 😋.
    pub fn longest(self: *const Name) []const u8 {
        return self.other();
    }
};

pub const Kind = enum { flag, value };
const Err = error{Missing};
pub const U = union(enum) { a: u8 };
const limit: usize = 10;
var count: u8 = 1;
extern fn puts(s: [*]const u8) c_int;

test "reads a.flag" {
    try std.testing.expect(true);
}
