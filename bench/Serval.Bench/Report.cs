using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Bench;

/// <summary>Prints figures: a line each as a table, or one JSON object each with <c>--json</c>.</summary>
internal sealed class Report(BenchOptions options)
{
    private bool _missed;

    /// <summary>What the figures depend on: commit, kernel, processors.</summary>
    internal void Settings()
    {
        var settings = new JsonObject
        {
            ["bench"] = options.Name,
            ["commit"] = Run("git", "-C", options.Root, "rev-parse", "--short", "HEAD"),
            ["kernel"] = Run("uname", "-sr"),
            ["processors"] = Environment.ProcessorCount,
            ["binary"] = Path.GetFileName(options.Binary),
            ["scale"] = options.Scale,
        };
        Write(settings, $"{options.Name}: commit {settings["commit"]}, {settings["kernel"]}, {settings["processors"]} processors, scale {options.Scale} %");
    }

    /// <summary>A figure that must be at most <paramref name="bound"/>.</summary>
    internal void AtMost(string figure, double value, string unit, double bound) => Judge(figure, value, unit, bound, value <= bound, "≤");

    /// <summary>A figure that must be at least <paramref name="bound"/>.</summary>
    internal void AtLeast(string figure, double value, string unit, double bound) => Judge(figure, value, unit, bound, value >= bound, "≥");

    /// <summary>A figure beside the judged ones.</summary>
    internal void Info(string figure, double value, string unit) => Write(
        new JsonObject { ["bench"] = options.Name, ["figure"] = figure, ["value"] = Round(value), ["unit"] = unit, ["bound"] = null, ["ok"] = null },
        $"  {figure,-52} {Text(value),12} {unit}");

    /// <summary>Raw samples, with <c>--json</c> only.</summary>
    internal void Samples(string figure, IEnumerable<double> values, string unit)
    {
        if (options.Json)
        {
            Console.WriteLine(new JsonObject
            {
                ["bench"] = options.Name, ["samples"] = figure, ["unit"] = unit,
                ["values"] = new JsonArray([.. values.Select(v => (JsonNode)Round(v))]),
            }.ToJsonString());
        }
    }

    /// <summary>A step that takes a while, on standard error.</summary>
    internal void Step(string text) => Console.Error.WriteLine($"# {text}");

    /// <summary>0 when every bound holds, 1 otherwise.</summary>
    internal int Finish() => _missed ? 1 : 0;

    private void Judge(string figure, double value, string unit, double bound, bool ok, string relation)
    {
        _missed |= !ok;
        Write(
            new JsonObject { ["bench"] = options.Name, ["figure"] = figure, ["value"] = Round(value), ["unit"] = unit, ["bound"] = bound, ["ok"] = ok },
            $"  {figure,-52} {Text(value),12} {unit,-10} {relation} {Text(bound),-8} {(ok ? "ok" : "MISSED")}");
    }

    private void Write(JsonObject json, string text) => Console.WriteLine(options.Json ? json.ToJsonString(JsonSerializerOptions.Default) : text);

    private static double Round(double value) => Math.Round(value, 4);

    private static string Text(double value) => value.ToString(Math.Abs(value) < 100 ? "0.###" : "0.#", CultureInfo.InvariantCulture);

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true });
        return process?.StandardOutput.ReadToEnd().Trim() ?? "";
    }
}
