using System.Security.Cryptography;
using System.Text;
using Serval.Node.Containers;
using Serval.Node.Processes;

namespace Serval.Node.Resources;

/// <summary>
/// The kernel's control groups of this node's containers (cgroups(7)): below Serval's own in the trees of version 1, below the topmost in that of
/// version 2, where processes and groups do not share a place. Named after the data directory and the run, so that a next start removes what a kill left.
/// </summary>
internal sealed class ControlGroups : IDisposable
{
    private const string Own = "serval-";
    private const int DigestLength = 12;

    private static readonly string[] s_controllers = ["cpu", "memory"];
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, string> _parents; // controller → the directory that holds the containers'
    private readonly Lock _lock = new();
    private readonly HashSet<string> _ended = []; // guarded by _lock; directories whose last process has not gone yet
    private readonly ITimer _timer;
    private int _last;

    private ControlGroups(Dictionary<string, string> parents, TimeProvider time)
    {
        _parents = parents;
        _timer = time.CreateTimer(static self => ((ControlGroups)self!).RemoveEnded(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Removes what earlier runs left, and prepares for new ones; null with the reason when that cannot be.</summary>
    /// <param name="dataDirectory">Whose groups these are.</param>
    /// <param name="time">For what the kernel does not give back at once.</param>
    /// <param name="reason">Why not.</param>
    /// <param name="trees">Where the trees are mounted.</param>
    /// <param name="self">What says which groups Serval is in.</param>
    public static ControlGroups? TryStart(
        string dataDirectory, TimeProvider time, out string reason, string trees = "/sys/fs/cgroup", string self = "/proc/self/cgroup")
    {
        var prefix = Prefix(dataDirectory);
        var name = prefix + RunStamp.Mine;
        ControlGroups? groups = null;
        try
        {
            reason = "";
            if (s_controllers.All(c => Directory.Exists(Path.Combine(trees, c))))
            {
                groups = new ControlGroups(s_controllers.ToDictionary(c => c, c => Path.Combine(Place(Path.Combine(trees, c), c, self), name)), time);
                groups.Prepare(prefix);
                groups.Weigh("cpu", "cpu.shares", unified: false);
                return groups;
            }
            if (HasControllers(Path.Combine(trees, "cgroup.controllers")))
            {
                groups = new ControlGroups(new() { [""] = Path.Combine(trees, name) }, time);
                EnableTopmost(trees, self);
                groups.Prepare(prefix);
                Enable(groups._parents[""]);
                groups.Weigh("", "cpu.weight", unified: true);
                return groups;
            }
            reason = $"no control groups for cpu and memory are mounted at {trees}";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            groups?.Dispose();
            reason = $"control groups cannot be made: {e.Message}";
        }
        return null;
    }

    private void Weigh(string controller, string file, bool unified) =>
        File.WriteAllText(Path.Combine(_parents[controller], file), $"{Weight(unified, Environment.ProcessorCount)}");

    /// <summary>A group for one container. Throws <see cref="ContainerConfigException"/>.</summary>
    public ControlGroup Create(GroupLimits limits)
    {
        var name = $"{Environment.ProcessId}-{Interlocked.Increment(ref _last)}";
        var group = new ControlGroup(this, _parents.ToDictionary(p => p.Key, p => Path.Combine(p.Value, name)), limits.Any);
        try
        {
            foreach (var directory in group.Directories.Values)
            {
                Directory.CreateDirectory(directory);
            }
            foreach (var setting in group.Unified is not null ? limits.Version2() : limits.Version1())
            {
                var file = Path.Combine(group.Directories[setting.Controller], setting.File);
                if (!setting.Optional || File.Exists(file))
                {
                    File.WriteAllText(file, setting.Value);
                }
            }
            return group;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            group.Dispose();
            throw new ContainerConfigException($"cannot limit the container's resources: {e.Message}", ContainerConfigException.CreateContainerError);
        }
    }

    /// <summary>Ends what is left and removes all, as far as it goes within a second.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        EndAll();
        _ = SpinWait.SpinUntil(RemoveEnded, s_patience);
        foreach (var parent in _parents.Values)
        {
            _ = TryRemove(parent);
        }
    }

    /// <summary>Removes directories: now, or as soon as the last process in them is gone.</summary>
    internal void Remove(IEnumerable<string> directories)
    {
        lock (_lock)
        {
            _ended.UnionWith(directories);
        }
        ThreadPool.UnsafeQueueUserWorkItem(static self => self.RemoveEnded(), this, preferLocal: false);
    }

    /// <summary>How names of a data directory's groups begin; the run's stamp follows.</summary>
    internal static string Prefix(string dataDirectory) =>
        Own + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(dataDirectory))))[..DigestLength] + "-";

    /// <summary>A program's weight for each core, about as kubelet does: all containers together are not one program among the machine's.</summary>
    internal static int Weight(bool unified, int cores) => unified ? Math.Min(100 * cores, 10_000) : Math.Min(1024 * cores, GroupLimits.MostShares);

    /// <summary>Does what needs the topmost group free of Serval, which goes to one beside the containers'; and back when that fails.</summary>
    internal static void StepAside(string topmost, string self, Action then)
    {
        var before = Place(topmost, "", self);
        var aside = Path.Combine(topmost, "serval");
        Directory.CreateDirectory(aside);
        try
        {
            Move(aside);
            then();
        }
        catch
        {
            Move(before);
            _ = TryRemove(aside);
            throw;
        }

        static void Move(string group) => File.WriteAllText(Path.Combine(group, "cgroup.procs"), "0");
    }

    private bool RemoveEnded()
    {
        lock (_lock)
        {
            _ended.RemoveWhere(static d => TryRemove(d) || !KillRest(d));
            if (_ended.Count > 0)
            {
                _timer.Change(s_retry, Timeout.InfiniteTimeSpan);
            }
            return _ended.Count == 0;
        }
    }

    private void Prepare(string prefix)
    {
        foreach (var parent in _parents.Values)
        {
            Sweep(Path.GetDirectoryName(parent)!, prefix);
            Directory.CreateDirectory(parent);
        }
    }

    // Programs of a run that has ended are ended only when they were this data directory's; what others left goes when it is empty.
    private void Sweep(string place, string prefix)
    {
        foreach (var left in Directory.GetDirectories(place, Own + "*"))
        {
            var name = Path.GetFileName(left);
            if (name.Length <= prefix.Length || !RunStamp.IsDead(name[prefix.Length..]))
            {
                continue;
            }
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                _ended.UnionWith(Directory.GetDirectories(left));
                RemoveEnded();
            }
            Array.ForEach(Directory.GetDirectories(left), static d => TryRemove(d));
            _ = TryRemove(left);
        }
    }

    private void EndAll()
    {
        lock (_lock)
        {
            _ended.UnionWith(_parents.Values.Where(Directory.Exists).SelectMany(Directory.GetDirectories));
        }
    }

    private static bool TryRemove(string directory)
    {
        try
        {
            Directory.Delete(directory);
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // A container ends with its first process, whatever others it left. A thread of Serval's own may just be leaving; 0 is a process of elsewhere.
    // False when it holds none.
    private static bool KillRest(string directory)
    {
        try
        {
            var left = File.ReadAllLines(Path.Combine(directory, "cgroup.procs"));
            foreach (var line in left)
            {
                if (int.TryParse(line, out var pid) && pid > 0 && pid != Environment.ProcessId)
                {
                    _ = Libc.kill(pid, Libc.SIGKILL);
                }
            }
            _ = left.Length == 0 && TryRemove(directory); // the last may have gone just now
            return left.Length > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool HasControllers(string file) =>
        File.Exists(file) && s_controllers.All(File.ReadAllText(file).Split([' ', '\n']).Contains);

    // A group with processes cannot hand controllers on, but the machine's topmost: in a container of its own Serval steps aside first.
    private static void EnableTopmost(string group, string self)
    {
        try
        {
            Enable(group);
        }
        catch (IOException e) when (e.HResult == Libc.EBUSY)
        {
            StepAside(group, self, () => Enable(group));
        }
    }

    private static void Enable(string group) => File.WriteAllText(Path.Combine(group, "cgroup.subtree_control"), "+cpu +memory");

    // The group Serval is in: lines are hierarchy:controllers:path (cgroups(7)). A path of another root than what is mounted means the mount itself.
    private static string Place(string mount, string controller, string self)
    {
        var line = File.ReadLines(self).Select(l => l.Split(':', 3)).FirstOrDefault(l => l.Length == 3 && l[1].Split(',').Contains(controller));
        var own = Path.Combine(mount, line?[2].TrimStart('/') ?? "");
        return Directory.Exists(own) ? own : mount;
    }
}
