using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>One line of a table: objects, a key that runs once, what it writes and the status it leaves.</summary>
internal sealed record Row(string Name)
{
    public required Seed[] Given { get; init; }

    /// <summary>Name of the object that runs; empty: of the last given one.</summary>
    public string Key { get; init; } = "";

    /// <summary>Writes in order.</summary>
    public string[] Writes { get; init; } = [];

    /// <summary>The status afterwards, as <see cref="StatusText"/> writes it; null: not looked at.</summary>
    public string? Status { get; init; }

    /// <summary>Writes of its next run: what failed is tried again, nothing else is written twice.</summary>
    public string[] Again { get; init; } = [];

    /// <summary>What a write fails with.</summary>
    public Func<string, ApiException?> Failure { get; init; } = _ => null;

    public override string ToString() => Name;

    /// <summary>The names of a table's rows, as a theory's data.</summary>
    internal static TheoryData<string> Names(IEnumerable<Row> rows) => [.. rows.Select(r => r.Name)];

    internal async Task CheckAsync(ResourceKind kind)
    {
        await using var world = await ServingWorld.StartAsync(Given);
        world.Client.Failure = Failure;
        var name = Key.Length > 0 ? Key : Given[^1].Name;
        await world.RunAsync(kind, name);
        Assert.Equal(Writes, world.Client.TakeWrites());
        if (Status is not null)
        {
            Assert.Equal(Status, world.Status(kind, name));
        }
        await world.RunAsync(kind, name);
        Assert.Equal(Again, world.Client.TakeWrites());
    }
}
