using Serval.Node.Containers;
using Serval.Node.Processes;

namespace Serval.Node.Volumes;

/// <summary>
/// Builds a container's private mount namespace on the calling thread, which must end after it has spawned. Nothing is written to the
/// machine's directories: a mount point that does not exist is made in a copy of its parent's listing on a temporary file system.
/// </summary>
internal sealed class MountNamespace
{
    private const int MostEntries = 512;
    private const uint Umask = 0x12; // --- -w- -w-: what the OCI runtimes give a container

    private readonly MountPlan _plan;
    private readonly HashSet<string> _own = new(StringComparer.Ordinal); // directories that exist in this namespace only
    private string _root = "/";
    private int _stages;

    private MountNamespace(MountPlan plan) => _plan = plan;

    /// <summary>Enters the namespace. Returns the child's root, or null when it is the thread's.</summary>
    public static ChildRoot? Enter(MountPlan plan) => Build(plan) is not "/" and var root ? new ChildRoot(Open(root), IsMount: true) : null;

    /// <summary>Makes the view. Returns the directory that is its root.</summary>
    internal static string Build(MountPlan plan)
    {
        EnterPrivate(plan.BaseNamespace);
        _ = Libc.umask(0); // modes are as written below; the file system context is this thread's own
        var view = new MountNamespace(plan);
        if (plan.ImageRoot is { } image)
        {
            view.UseImage(image);
        }
        foreach (var bind in plan.Binds.OrderBy(b => b.Target.Length))
        {
            view.Bind(bind);
        }
        if (plan is { ImageRoot: not null, ReadOnlyRoot: true })
        {
            Mount("none", view._root, null, Libc.MS_BIND | Libc.MS_REMOUNT | Libc.MS_RDONLY, null);
        }
        _ = Libc.umask(Umask);
        return view._root;
    }

    /// <summary>Enters the view of a running process. Returns its root directory.</summary>
    public static ChildRoot Join(int pid)
    {
        Check(Libc.unshare(Libc.CLONE_FS), "unshare");
        _ = Libc.umask(Umask);
        var root = Open($"/proc/{pid}/root"); // as long as its number still means it
        SetNamespace(Libc.open($"/proc/{pid}/ns/mnt", Libc.O_RDONLY | Libc.O_CLOEXEC, 0));
        return new ChildRoot(root, IsMount: false);
    }

    /// <summary>
    /// Makes a namespace with temporary file systems at the given directories and returns a descriptor of it. Containers of a pod start
    /// from it, so that they share its memory volumes.
    /// </summary>
    public static int CreateForPod(IReadOnlyList<(string Directory, string Options)> memory)
    {
        EnterPrivate(-1);
        foreach (var (directory, options) in memory)
        {
            Mount("tmpfs", directory, "tmpfs", Libc.MS_NOSUID | Libc.MS_NODEV, options);
        }
        var fd = Libc.open("/proc/thread-self/ns/mnt", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        Check(fd, "open /proc/thread-self/ns/mnt");
        return fd;
    }

    private static void EnterPrivate(int from)
    {
        if (from >= 0)
        {
            Check(Libc.unshare(Libc.CLONE_FS), "unshare");
            Check(Libc.setns(from, Libc.CLONE_NEWNS), "setns");
        }
        Check(Libc.unshare(Libc.CLONE_FS | Libc.CLONE_NEWNS), "unshare");
        Mount("none", "/", null, Libc.MS_REC | Libc.MS_PRIVATE, null);
    }

    private static void SetNamespace(int fd)
    {
        Check(fd, "open a mount namespace");
        var result = Libc.setns(fd, Libc.CLONE_NEWNS);
        _ = Libc.close(fd);
        Check(result, "setns");
    }

    private void UseImage(string image)
    {
        var stage = NewStage();
        var upper = Path.Combine(_plan.Scratch, "upper");
        var work = Path.Combine(_plan.Scratch, "work");
        var root = Path.Combine(stage, "root");
        Recreate(upper);
        Recreate(work);
        File.SetUnixFileMode(upper, OpenDirectory.Mode); // it becomes the mode of "/", whatever this process' umask
        Directory.CreateDirectory(root);
        if (Overlay(image, upper, work, root) is not null)
        {
            // The data directory may lie on a file system that cannot be an upper layer (an overlay itself): memory can.
            var (memoryUpper, memoryWork) = (Path.Combine(stage, "upper"), Path.Combine(stage, "work"));
            Directory.CreateDirectory(memoryUpper);
            File.SetUnixFileMode(memoryUpper, OpenDirectory.Mode);
            Directory.CreateDirectory(memoryWork);
            if (Overlay(image, memoryUpper, memoryWork, root) is { } error)
            {
                throw new ContainerConfigException(
                    $"cannot lay a writable layer over image directory {image}: {error}; load the kernel module overlay",
                    ContainerConfigException.CreateContainerError);
            }
        }
        _root = root;
        KernelFiles.Mount(root, _plan.Groups);
        var temporary = root + "/tmp";
        if (new FileInfo(temporary) is { Exists: false, LinkTarget: null } && !Directory.Exists(temporary))
        {
            Directory.CreateDirectory(temporary);
            File.SetUnixFileMode(temporary, (UnixFileMode)0x3FF); // rwxrwxrwt
        }
        foreach (var (name, text) in _plan.EtcFiles)
        {
            Write(name, text);
        }
    }

    // Into the container's own layer, in the place of whatever the image has there: a link is not followed.
    private void Write(string name, string text)
    {
        var directory = RootPath.Resolve(_root, "/etc");
        OpenDirectory.Create(directory);
        var path = Path.Combine(directory, name);
        if (Directory.Exists(path) && new FileInfo(path).LinkTarget is null)
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, (UnixFileMode)0x1A4); // rw-r--r--
    }

    private static string? Overlay(string lower, string upper, string work, string at) =>
        Libc.mount("overlay", at, "overlay", 0, $"lowerdir={Escape(lower)},upperdir={Escape(upper)},workdir={Escape(work)}") == 0
            ? null
            : Libc.LastErrorText();

    private void Bind(BindMount bind)
    {
        if (!Path.Exists(bind.Source))
        {
            OpenDirectory.Create(bind.Source, PodVolumes.OpenToAll); // a subPath of a memory volume, which is empty in a new namespace
        }
        var isDirectory = Directory.Exists(bind.Source);
        var target = RootPath.Resolve(_root, bind.Target);
        if (_plan.ImageRoot is not null)
        {
            CreateTarget(target, isDirectory);
        }
        else if (!(isDirectory ? Directory.Exists(target) : File.Exists(target)))
        {
            target = MakeTarget(bind.Target, isDirectory);
        }
        Mount(bind.Source, target, null, Libc.MS_BIND | Libc.MS_REC, null);
        if (bind.ReadOnly)
        {
            Mount("none", target, null, Libc.MS_BIND | Libc.MS_REMOUNT | Libc.MS_RDONLY | (bind.NoExecute ? Libc.MS_NOEXEC : 0), null);
        }
    }

    private string MakeTarget(string path, bool isDirectory)
    {
        var target = RootPath.Resolve(_root, path);
        var parent = ExistingParent(target);
        if (!_own.Contains(parent))
        {
            CopyListing(parent);
            target = RootPath.Resolve(_root, path); // the root itself may have moved
        }
        for (var made = Path.GetDirectoryName(target); made is not null && !Directory.Exists(made); made = Path.GetDirectoryName(made))
        {
            _own.Add(made);
        }
        CreateTarget(target, isDirectory);
        return target;
    }

    private static string ExistingParent(string path)
    {
        var parent = Path.GetDirectoryName(path) ?? "/";
        while (!Directory.Exists(parent))
        {
            parent = Path.GetDirectoryName(parent) ?? "/";
        }
        return parent;
    }

    // Replaces a directory by one of our own that shows the same entries.
    private void CopyListing(string directory)
    {
        var entries = Directory.GetFileSystemEntries(directory);
        var stage = NewStage();
        if (entries.Length > MostEntries)
        {
            var (upper, work) = (Path.Combine(stage, "upper"), Path.Combine(stage, "work"));
            Directory.CreateDirectory(upper);
            File.SetUnixFileMode(upper, File.GetUnixFileMode(directory)); // it becomes the directory's
            Directory.CreateDirectory(work);
            if (Overlay(directory, upper, work, directory) is { } error)
            {
                throw new ContainerConfigException($"cannot make a mount point in {directory}: overlay: {error}; mount at a path that exists");
            }
            _own.Add(directory);
            return;
        }
        foreach (var entry in entries)
        {
            Show(entry, Path.Combine(stage, Path.GetFileName(entry)));
        }
        if (directory == "/")
        {
            _root = stage;
            _own.Add(stage);
        }
        else
        {
            Mount(stage, directory, null, Libc.MS_MOVE, null);
            _own.Add(directory);
        }
    }

    private static void Show(string entry, string at)
    {
        if (new FileInfo(entry).LinkTarget is { } link)
        {
            File.CreateSymbolicLink(at, link);
            return;
        }
        CreateTarget(at, Directory.Exists(entry));
        // An entry that cannot be bound (it vanished, or is a stale mount) is shown empty instead of failing the container.
        _ = Libc.mount(entry, at, null, Libc.MS_BIND | Libc.MS_REC, null);
    }

    private string NewStage()
    {
        var stage = Path.Combine(_plan.Scratch, $"stage{_stages++}");
        Directory.CreateDirectory(stage);
        Mount("tmpfs", stage, "tmpfs", Libc.MS_NOSUID, "mode=0755");
        // Without this a recursive bind of a parent would show the stage inside itself.
        Mount("none", stage, null, Libc.MS_UNBINDABLE, null);
        return stage;
    }

    private static void CreateTarget(string target, bool isDirectory)
    {
        if (isDirectory)
        {
            OpenDirectory.Create(target);
        }
        else if (!File.Exists(target))
        {
            OpenDirectory.Create(Path.GetDirectoryName(target)!);
            File.Create(target).Dispose();
        }
    }

    private static void Recreate(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
        Directory.CreateDirectory(directory);
    }

    private static string Escape(string path) =>
        path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);

    private static int Open(string directory)
    {
        var fd = Libc.open(directory, Libc.O_PATH | Libc.O_CLOEXEC, 0);
        Check(fd, "open " + directory);
        return fd;
    }

    internal static void Mount(string source, string target, string? type, nuint flags, string? data)
    {
        if (Libc.mount(source, target, type, flags, data) != 0)
        {
            throw new ContainerConfigException(
                $"cannot mount {source} at {target}: {Libc.LastErrorText()}", ContainerConfigException.CreateContainerError);
        }
    }

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            throw new ContainerConfigException(
                $"cannot make a private mount namespace: {call}: {Libc.LastErrorText()}; run Serval with CAP_SYS_ADMIN",
                ContainerConfigException.CreateContainerError);
        }
    }
}
