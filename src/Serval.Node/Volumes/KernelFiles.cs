using System.Runtime.InteropServices;
using Serval.Node.Processes;

namespace Serval.Node.Volumes;

/// <summary>
/// The kernel's file systems in a container's root: /proc, /sys and /dev of its own, as the OCI runtime specification lists them (config-linux.md,
/// Default Filesystems and Default Devices). Paths are masked or read-only as containerd's are (oci/spec.go, populateDefaultUnixSpec).
/// </summary>
internal static unsafe class KernelFiles
{
    private const nuint Inert = Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOEXEC;
    private const string Groups = "/sys/fs/cgroup";
    private const nint AtCurrent = -100; // AT_FDCWD
    private const int CharacterDevice = 0x2000;
    private const int ReadWriteAll = 0x1B6;

    private static readonly nint s_makeNode = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 33 : 259;
    private static readonly string[] s_readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    private static readonly string[] s_masked =
    [
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
        "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ];

    // Documentation/admin-guide/devices.txt
    private static readonly (string Name, int Major, int Minor)[] s_devices =
    [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ];

    private static readonly (string Name, string Target)[] s_links =
    [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
    ];

    public const string Processes = "/proc";

    /// <summary>Where they are mounted.</summary>
    public static IReadOnlyList<string> Places { get; } = [Processes, "/sys", "/dev"];

    /// <summary>Whether a path is one of theirs, which every root has whatever its image holds.</summary>
    public static bool Has(string path) => Places.Any(p => path.StartsWith(p + "/", StringComparison.Ordinal));

    /// <summary>Mounts them below a root that is this container's alone; what the image has at their places is hidden.</summary>
    public static void Mount(string root, IReadOnlyDictionary<string, string>? groups)
    {
        MountProc(Place(root, Processes));
        MountSys(Place(root, "/sys"));
        MountDevices(Place(root, "/dev"));
        if (groups is not null && Directory.Exists(root + Groups))
        {
            MountGroups(root + Groups, groups);
        }
        foreach (var path in s_readOnly.Select(p => root + p).Where(Path.Exists))
        {
            Show(path, path);
        }
        foreach (var path in s_masked.Select(p => root + p).Where(Path.Exists))
        {
            if (Directory.Exists(path))
            {
                MountNamespace.Mount("tmpfs", path, "tmpfs", Libc.MS_RDONLY | Inert, "size=0,mode=555");
            }
            else
            {
                MountNamespace.Mount(root + "/dev/null", path, null, Libc.MS_BIND, null);
            }
        }
    }

    // Not where a link of the image leads: these are never followed.
    private static string Place(string root, string path)
    {
        var place = root + path;
        if (new FileInfo(place) is { LinkTarget: not null } or { Exists: true })
        {
            File.Delete(place);
        }
        OpenDirectory.Create(place);
        return place;
    }

    // An instance that shows a process to those only who may trace it (Linux 5.8), so not this program and its kind. Older kernels refuse the word.
    private static void MountProc(string at)
    {
        if (Libc.mount("proc", at, "proc", Inert, "hidepid=ptraceable") != 0)
        {
            MountNamespace.Mount("/proc", at, null, Libc.MS_BIND, null);
        }
    }

    // An instance of the thread's own network; where it may not be made (it is another's user namespace), the machine's.
    private static void MountSys(string at)
    {
        if (Libc.mount("sysfs", at, "sysfs", Libc.MS_RDONLY | Inert, null) != 0)
        {
            Show("/sys", at);
        }
    }

    private static void Show(string source, string at)
    {
        MountNamespace.Mount(source, at, null, Libc.MS_BIND, null);
        MountNamespace.Mount("none", at, null, Libc.MS_BIND | Libc.MS_REMOUNT | Libc.MS_RDONLY | Inert, null);
    }

    private static void MountGroups(string at, IReadOnlyDictionary<string, string> groups)
    {
        if (groups.TryGetValue("", out var unified))
        {
            Show(unified, at);
            return;
        }
        MountNamespace.Mount("tmpfs", at, "tmpfs", Inert, "mode=755,size=0");
        foreach (var (controller, directory) in groups)
        {
            Directory.CreateDirectory(Path.Combine(at, controller));
            Show(directory, Path.Combine(at, controller));
        }
        MountNamespace.Mount("none", at, null, Libc.MS_BIND | Libc.MS_REMOUNT | Libc.MS_RDONLY | Inert, null);
    }

    private static void MountDevices(string at)
    {
        MountNamespace.Mount("tmpfs", at, "tmpfs", Libc.MS_NOSUID | Libc.MS_NOEXEC, "mode=755,size=65536k");
        foreach (var (name, major, minor) in s_devices)
        {
            AddDevice(at, name, major, minor);
        }
        foreach (var (name, target) in s_links)
        {
            File.CreateSymbolicLink(Path.Combine(at, name), target);
        }
        MountBelow(at, "pts", "devpts", Libc.MS_NOSUID | Libc.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
        MountBelow(at, "shm", "tmpfs", Inert, "mode=1777,size=65536k");
    }

    private static void AddDevice(string directory, string name, int major, int minor)
    {
        var path = Path.Combine(directory, name);
        fixed (byte* at = System.Text.Encoding.UTF8.GetBytes(path + "\0"))
        {
            if (Libc.syscall(s_makeNode, AtCurrent, (nint)at, CharacterDevice | ReadWriteAll, (major << 8) | minor) == 0)
            {
                return;
            }
        }
        File.Create(path).Dispose(); // who may not make devices may show the machine's
        MountNamespace.Mount("/dev/" + name, path, null, Libc.MS_BIND, null);
    }

    private static void MountBelow(string directory, string name, string type, nuint flags, string options)
    {
        var at = Path.Combine(directory, name);
        Directory.CreateDirectory(at);
        MountNamespace.Mount(type, at, type, flags, options);
    }
}
