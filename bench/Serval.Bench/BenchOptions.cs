using System.Globalization;

namespace Serval.Bench;

/// <summary>What a bench was asked.</summary>
internal sealed record BenchOptions(string Binary, string Root, string Name, bool Json, int Scale, string Only = "", bool Plant = false)
{
    /// <summary>Null, with a message, when the arguments make no sense.</summary>
    internal static BenchOptions? Parse(string[] args)
    {
        string binary = "", root = ".", name = "", only = "";
        var json = false;
        var plant = false;
        var scale = 100;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--binary" when i + 1 < args.Length:
                    binary = args[++i];
                    break;
                case "--root" when i + 1 < args.Length:
                    root = args[++i];
                    break;
                case "--json":
                    json = true;
                    break;
                case "--plant":
                    plant = true; // commits the fault the bench looks for: the run has to miss its bounds
                    break;
                case "--scale" when i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out scale) && scale is > 0 and <= 100:
                    i++; // per cent of the full numbers, for a quick look; such a run is never judged
                    break;
                case "--only" when i + 1 < args.Length:
                    only = args[++i]; // one part of a bench, while looking for where the time goes
                    break;
                default:
                    if (args[i].StartsWith('-') || name.Length > 0)
                    {
                        Console.Error.WriteLine($"unknown argument '{args[i]}'; usage: eng/check bench NAME [--json] [--scale PERCENT] [--only PART] [--plant]");
                        return null;
                    }
                    name = args[i];
                    break;
            }
        }
        return new BenchOptions(binary, root, name, json, scale, only, plant);
    }

    /// <summary>Whether a part of the bench is to run.</summary>
    internal bool Runs(string part) => Only.Length == 0 || Only == part;

    /// <summary>A full number scaled down for a quick look, at least one.</summary>
    internal int Scaled(int full) => Math.Max(1, full * Scale / 100);
}
