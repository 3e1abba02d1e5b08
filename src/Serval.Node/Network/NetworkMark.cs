using System.Text;
using Serval.Node.Processes;

namespace Serval.Node.Network;

/// <summary>
/// What tells this data directory's interfaces from those of other Servals of the machine: a word that is new with every run, kept in the
/// directory with the run's stamp, and the directory's path, as a copy of the directory has the same word.
/// </summary>
internal sealed class NetworkMark
{
    private const int LongestPath = 180; // in bytes: an alias has room for 255

    private readonly string _file;
    private readonly string _directory;
    private readonly string _last;

    public NetworkMark(string directory)
    {
        (_directory, _file) = (End(directory), Path.Combine(directory, "network"));
        _last = File.Exists(_file) ? File.ReadAllText(_file) : "";
    }

    /// <summary>Whether an interface with this alias is of the last run on this directory.</summary>
    public bool Owns(string alias) => _last.Length > 0 && alias.StartsWith(Text(_last), StringComparison.Ordinal);

    /// <summary>Whether an interface with this alias is of a Serval that has ended, on whatever directory.</summary>
    public static bool IsLeft(string alias) => alias.Split(' ', 4) is ["serval", { Length: 32 }, var stamp, _] && RunStamp.IsDead(stamp);

    /// <summary>The alias of this run's interfaces.</summary>
    public string Renew()
    {
        var mark = $"{Guid.NewGuid():n} {RunStamp.Mine}";
        Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
        File.WriteAllText(_file, mark);
        return Text(mark);
    }

    private string Text(string mark) => $"serval {mark} {_directory}";

    private static string End(string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        var from = Math.Max(0, bytes.Length - LongestPath);
        while (from < bytes.Length && (bytes[from] & 0xC0) == 0x80)
        {
            from++; // within a character
        }
        return Encoding.UTF8.GetString(bytes, from, bytes.Length - from);
    }
}
