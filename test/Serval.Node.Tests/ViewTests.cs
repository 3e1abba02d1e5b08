using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Containers;

namespace Serval.Node.Tests;

/// <summary>What a program of an image sees of the machine: as little as in any other container (OCI runtime specification, config-linux.md).</summary>
public sealed class ViewTests
{
    [PrivilegedTheory]
    [InlineData("for f in fd stdin stdout stderr ptmx; do busybox readlink /dev/$f; done", "/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n")]
    [InlineData("busybox stat -c '%F %t %T %a' /dev/null /dev/full /dev/tty", "character special file 1 3 666\ncharacter special file 1 7 666\ncharacter special file 5 0 666\n")]
    [InlineData("busybox ls /dev; busybox stat -c %a /dev/shm /tmp", "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntermination-log\ntty\nurandom\nzero\n1777\n1777\n")]
    [InlineData("busybox hostname; busybox cat /etc/hostname /proc/sys/kernel/hostname; echo $HOSTNAME; busybox tail -n 1 /etc/hosts", "p1\np1\np1\np1\n127.0.0.1\tp1\n")]
    [InlineData("busybox grep ' / overlay ' /proc/mounts | busybox grep -o volatile", "volatile\n")]
    [InlineData("busybox stat -c %a /etc/hosts /etc/hostname /etc/resolv.conf", "644\n644\n644\n")]
    [InlineData("busybox grep ' /proc/sys ' /proc/mounts | busybox cut -d' ' -f1,3,4 | busybox cut -d, -f1", "proc proc ro\n")]
    [InlineData("echo 1 > /proc/sys/vm/swappiness || echo refused; busybox mkdir /sys/fs/x || echo refused; echo h > /proc/sysrq-trigger || echo refused", "refused\nrefused\nrefused\n")]
    [InlineData("busybox cat /proc/keys; busybox ls /sys/firmware; busybox ls -d /proc/1", "ls: /proc/1: No such file or directory\n")]
    [InlineData("umask; busybox grep -c / /proc/self/fd/0; echo > /dev/termination-log && echo written", "0022\n0\nwritten\n")]
    [InlineData("busybox grep -E '^Cap(Prm|Eff|Bnd)|^NoNew' /proc/self/status", "CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\n")]
    public async Task StaticProgram_SeesAContainer(string script, string expected)
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();

        Assert.Equal(expected, await SeesAsync(node, script));
    }

    [PrivilegedTheory]
    [InlineData("""{"capabilities":{"drop":["ALL"]}}""", "0000000000000000 0")]
    [InlineData("""{"capabilities":{"drop":["all"],"add":["NET_BIND_SERVICE"]}}""", "0000000000000400 0")]
    [InlineData("""{"capabilities":{"drop":["CAP_CHOWN","MKNOD"],"add":["SYS_TIME"]},"allowPrivilegeEscalation":false}""", "00000000a20425fa 1")]
    [InlineData("""{"runAsUser":7,"allowPrivilegeEscalation":false}""", "0000000000000000 1")]
    public async Task SecurityContext_BoundsWhatTheProgramMayDo(string context, string expected)
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();

        Assert.Equal(expected + "\n", await SeesAsync(
            node, "busybox awk '/^CapEff/{c=$2} /^NoNew/{print c, $2}' /proc/self/status", c => c["securityContext"] = JsonNode.Parse(context)));
    }

    [PrivilegedTheory]
    [InlineData(true)]
    [InlineData(false)] // the machine's root, with a file of its own
    public async Task DnsConfig_WithoutAPodNetwork_IsTheProgramsResolver(bool ownRoot)
    {
        await using var node = await TestNode.StartAsync();
        if (ownRoot)
        {
            node.AddShell();
        }
        var before = File.Exists("/etc/resolv.conf") ? await File.ReadAllTextAsync("/etc/resolv.conf") : null;

        Assert.Equal("search a.test\nnameserver 1.2.3.4\n", await SeesAsync(node, "busybox cat /etc/resolv.conf", pod: p =>
        {
            p["spec"]!["dnsPolicy"] = "None";
            p["spec"]!["dnsConfig"] = JsonNode.Parse("""{"nameservers":["1.2.3.4"],"searches":["a.test"]}""");
        }));
        Assert.Equal(before, File.Exists("/etc/resolv.conf") ? await File.ReadAllTextAsync("/etc/resolv.conf") : null);
    }

    [PrivilegedTheory]
    [InlineData("hosts")]
    [InlineData("resolv.conf")]
    public async Task ReadOnlyRootFilesystem_HoldsTheFilesOfItsOwnToo(string file)
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();

        Assert.Equal("refused\n", await SeesAsync(
            node, $"echo > /etc/{file} || echo refused", c => c["securityContext"] = JsonNode.Parse("""{"readOnlyRootFilesystem":true}""")));
    }

    [PrivilegedFact]
    public async Task ReadOnlyRootFilesystem_LeavesVolumesAndDevicesWritable()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();

        Assert.Equal("refused\ndone\n", await SeesAsync(
            node, "echo > /x || echo refused; echo > /data/x; echo > /dev/shm/x; echo done",
            c =>
            {
                c["securityContext"] = JsonNode.Parse("""{"readOnlyRootFilesystem":true}""");
                c["volumeMounts"] = JsonNode.Parse("""[{"name":"v","mountPath":"/data"}]""");
            },
            p => p["spec"]!["volumes"] = JsonNode.Parse("""[{"name":"v","emptyDir":{}}]""")));
    }

    [PrivilegedFact]
    public async Task Hostname_OfThePodsFieldWithItsAliases_IsTheProgramsName()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();

        Assert.Equal("one\n# Kubernetes-managed hosts file.\n127.0.0.1\tone\n\n# Entries added by HostAliases.\n10.0.0.1\ta\tb\n", await SeesAsync(node, "busybox hostname; busybox head -n 1 /etc/hosts; busybox tail -n 4 /etc/hosts", pod: p =>
        {
            p["spec"]!["hostname"] = "one";
            p["spec"]!["hostAliases"] = JsonNode.Parse("""[{"ip":"10.0.0.1","hostnames":["a","b"]}]""");
        }));
    }

    [PrivilegedTheory]
    [InlineData("/dev")]
    [InlineData("/proc")]
    [InlineData("/sys")]
    [InlineData("/etc/hosts")]
    [InlineData("/etc/hostname")]
    [InlineData("/dev/null")]
    [InlineData("/tmp")]
    public async Task Image_WithALinkToTheMachine_DoesNotLeadThere(string path)
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        var outside = Directory.CreateDirectory(Path.Combine(node.Data, "outside")).FullName;
        Directory.CreateDirectory(Path.GetDirectoryName(node.Image + path)!);
        File.CreateSymbolicLink(node.Image + path, "../../../../../.." + outside);
        var before = Listing(node.Image);

        Assert.Equal("proc\np1\n127.0.0.1\tp1\n", await SeesAsync(
            node, "busybox stat -f -c %T /proc; busybox cat /etc/hostname; busybox tail -n 1 /etc/hosts; echo x > /dev/null; echo x > /dev/shm/x; echo x > /made"));
        Assert.Empty(Directory.GetFileSystemEntries(outside));
        Assert.Equal(before, Listing(node.Image));
    }

    [PrivilegedTheory]
    [InlineData("/etc", "../../..")]
    [InlineData("/etc/hosts", "../../..")]
    [InlineData("/etc/hosts", "/bin/busybox")]
    [InlineData("/etc/hosts", "hosts")]
    [InlineData("/dev", "/bin/busybox")]
    public async Task Image_WithAnOddLink_IsStartedAllTheSame(string path, string target)
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        Directory.CreateDirectory(Path.GetDirectoryName(node.Image + path)!);
        File.CreateSymbolicLink(node.Image + path, target);

        Assert.Equal("127.0.0.1\tp1\n", await SeesAsync(node, "busybox tail -n 1 /etc/hosts"));
        Assert.False(File.Exists(node.Image + "/hosts"));
    }

    [PrivilegedFact]
    public async Task Program_ThatBecomesRootOfARoot_DoesNotReachTheMachine()
    {
        await using var node = await TestNode.StartAsync();
        node.AddShell();
        await File.WriteAllTextAsync(Path.Combine(node.Data, "secret"), "");

        // Neither by the way out of a chroot, nor by what is mounted: the machine's root is not in its namespace at all.
        Assert.Equal("bin\ndev\netc\nproc\nsub\nsys\ntmp\n0\n", await SeesAsync(
            node, "busybox mkdir -p /sub; busybox chroot /sub /bin/true; busybox ls /proc/self/cwd/../../../..; busybox grep -vcE ' - (overlay|proc|sysfs|tmpfs|devpts|cgroup2?|ext4) ' /proc/self/mountinfo"));
    }

    [Fact]
    public void Capability_Unknown_IsRefused()
    {
        var context = new SecurityContext { Capabilities = new CapabilityChanges { Add = ["FLY"] } };

        var refusal = Assert.Throws<ContainerConfigException>(() => ContainerPrivileges.Of(context, limits: true));

        Assert.StartsWith("securityContext.capabilities: unknown capability \"FLY\"", refusal.Message);
    }

    [Fact]
    public void Privileges_OfAPrivilegedContainer_AreAll() =>
        Assert.Equal(ulong.MaxValue, ContainerPrivileges.Of(new SecurityContext { Privileged = true }, limits: true).Capabilities);

    [Theory]
    [InlineData(10, 10)]
    [InlineData(63, 63)]
    [InlineData(64, 63)]
    [InlineData(253, 63)]
    public void HostName_TooLong_IsCut(int length, int expected) =>
        Assert.Equal(expected, PodHosts.Name(new Pod { Spec = new PodSpec { Hostname = new string('a', length) } }).Length);

    private static List<string> Listing(string directory) =>
        [.. Directory.EnumerateFileSystemEntries(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Order(StringComparer.Ordinal)];

    /// <summary>What a script writes that is run by the image's own static shell.</summary>
    private static async Task<string> SeesAsync(TestNode node, string script, Action<JsonObject>? container = null, Action<JsonObject>? pod = null)
    {
        node.Config = new ImageConfig { Env = ["PATH=/bin"] };
        await node.CreateAsync(TestNode.Shell(
            script + "; echo end; exec busybox sleep 60",
            c =>
            {
                c["terminationMessagePath"] = "/dev/termination-log"; // as the API server sets it
                container?.Invoke(c);
            },
            pod));
        var log = await node.LogAsync("end\n");
        return string.Concat(log.Split('\n')[..^2].Where(l => !l.StartsWith("/bin/sh: ", StringComparison.Ordinal) && !l.StartsWith("mkdir: ", StringComparison.Ordinal) && !l.StartsWith("chroot: ", StringComparison.Ordinal)).Select(l => l + "\n"));
    }
}
