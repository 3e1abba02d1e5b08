namespace Serval.Cli;

/// <summary>Columns as kubectl aligns them.</summary>
internal static class TableWriter
{
    public static void Write(TextWriter target, IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows, bool header = true)
    {
        var widths = headers.Select((h, i) => rows.Select(r => r[i].Length).Append(h.Length).Max()).ToArray();
        if (header)
        {
            WriteRow(target, [.. headers.Select(h => h.ToUpperInvariant())], widths);
        }
        foreach (var row in rows)
        {
            WriteRow(target, row, widths);
        }
    }

    private static void WriteRow(TextWriter target, IReadOnlyList<string> cells, int[] widths) =>
        target.WriteLine(string.Join("   ", cells.Select((c, i) => c.PadRight(widths[i]))).TrimEnd());
}
