using Serval.Node.Processes;

namespace Serval.Node.Network;

/// <summary>
/// What tells this data directory's interfaces from those of other Servals of the machine: a word that is new with every run, kept in the
/// directory with the run's stamp, and the directory's path, as a copy of the directory has the same word.
/// </summary>
internal sealed class NetworkMark
{
    private const int LongestPath = 180; // an alias has room for 255 bytes

    private readonly string _file;
    private readonly string _directory;
    private readonly string _last;

    public NetworkMark(string directory)
    {
        (_directory, _file) = (directory, Path.Combine(directory, "network"));
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
        Directory.CreateDirectory(_directory);
        File.WriteAllText(_file, mark);
        return Text(mark);
    }

    private string Text(string mark) => $"serval {mark} {(_directory.Length > LongestPath ? _directory[^LongestPath..] : _directory)}";
}
