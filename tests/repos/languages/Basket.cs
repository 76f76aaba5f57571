using System;
using System.Collections.Generic;
using static System.Math;
using Json = System.Text.Json.JsonSerializer;

namespace Acme.Shop;

/// <summary>
/// What a customer buys.
/// </summary>
[Serializable]
public sealed class Basket<T> : IBasket, IDisposable where T : Item
{
    public const int MaxLines = 50;
    private readonly List<T> _lines = new();

    public Basket(Clock clock) : base(clock)
    {
    }

    /// <summary>Number of lines.</summary>
    public int Count => _lines.Count;

    public async Task<int> AddAsync(T item, int count = 1)
    {
        await _store.SaveAsync(item);
        return Max(count, 1);
    }

    public delegate void Changed(T item);
}

public interface IBasket
{
    int Count { get; }
    void Clear();
}

public record Money(decimal Amount, string Currency);

public struct Point { public int X; }

enum State { Open, Paid }
