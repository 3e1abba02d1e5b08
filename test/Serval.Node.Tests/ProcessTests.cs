using System.Globalization;
using Serval.Node.Processes;

namespace Serval.Node.Tests;

public sealed class ProcessTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("serval-proc-").FullName;
    private readonly ExitWatcher _exits = new();

    public void Dispose()
    {
        _exits.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("exit 0", 0, 0, 0)]
    [InlineData("exit 42", 42, 0, 42)]
    [InlineData("kill -TERM $$", 0, 15, 143)]
    public async Task Exit_IsReportedWithCodeOrSignal(string script, int code, int signal, int exitCode)
    {
        var (_, ended) = Shell(script);
        var status = await ended.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal((code, signal, exitCode), (status.Code, status.Signal, status.ExitCode));
    }

    [Fact]
    public async Task Child_HasItsOwnSessionCleanSignalsAndNoOpenFiles()
    {
        using var leak = File.OpenHandle(Path.Combine(_directory, "leak"), FileMode.Create, FileAccess.Write);
        var (child, ended) = Shell("grep -E 'SigIgn|SigBlk' /proc/self/status; ls /proc/self/fd | tr '\\n' ' '; cut -d' ' -f6 /proc/$$/stat; cat");
        await ended.WaitAsync(TimeSpan.FromSeconds(20)); // cat ends at once: stdin is /dev/null

        var log = await File.ReadAllTextAsync(Path.Combine(_directory, "log"));

        Assert.Contains("SigBlk:\t0000000000000000", log);
        Assert.Matches("SigIgn:\t0000000[01][08]0000000", log); // 32 and 33 are the C library's own
        Assert.Contains($"0 1 2 3 {child.Pid}\n", log); // 3 is ls' own
    }

    /// <summary>Against the runtime's own reading of the same files; a child that ended counts too.</summary>
    [Fact]
    public async Task Use_IsWhatTheRuntimeSays()
    {
        const string Work = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; ";
        var (alone, _) = Shell(Work + "echo ready; sleep 1000; :");
        await Poll.UntilAsync(() => File.ReadAllText(Path.Combine(_directory, "log")).Contains("ready", StringComparison.Ordinal));
        using var process = System.Diagnostics.Process.GetProcessById(alone.Pid);
        var use = ProcFs.Stat(alone.Pid)!.Value;
        Assert.InRange(use.Cpu, TimeSpan.FromSeconds(0.02), process.TotalProcessorTime + TimeSpan.FromSeconds(0.03)); // in hundredths of a second, cut off
        Assert.InRange(use.Cpu, process.TotalProcessorTime - TimeSpan.FromSeconds(0.03), TimeSpan.MaxValue);
        Assert.InRange(use.Memory, process.WorkingSet64 / 2, process.WorkingSet64 * 2);
        var (parent, _) = Shell($"sh -c '{Work}'; echo again; sleep 1000; :");
        await Poll.UntilAsync(() => File.ReadAllText(Path.Combine(_directory, "log")).Contains("again", StringComparison.Ordinal));
        Assert.InRange(ProcFs.Stat(parent.Pid)!.Value.Cpu, TimeSpan.FromSeconds(0.02), TimeSpan.MaxValue);
        Assert.True(alone.Signal(9) && parent.Signal(9));
    }

    [Fact]
    public async Task Signal_ReachesTheWholeGroup_AndNothingSurvivesTheLeader()
    {
        var (child, ended) = Shell("sleep 1000 & setsid sleep 1001 & echo ready; wait");
        await Poll.UntilAsync(() => File.ReadAllText(Path.Combine(_directory, "log")).Contains("ready", StringComparison.Ordinal) && ProcFs.Tree(child.Pid).Count >= 3);
        var members = ProcFs.Tree(child.Pid).Select(m => m.Pid).ToList();

        child.KillSession();
        await ended.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.All(members, pid =>
        {
            while (ProcFs.Stat(pid) is { State: not 'Z' })
            {
                Thread.Yield();
            }
        });
        Assert.False(child.Signal(0) && ProcFs.Stat(child.Pid) is { State: not 'Z' });
    }

    [Fact]
    public async Task Watch_NewsOfTheStartCannotBeTaken_LeavesNoChild()
    {
        var pid = Spawn("sleep 1000");

        Assert.Throws<IOException>(() => _exits.Watch(pid, _ => throw new IOException("full"), (_, _) => { }));

        Assert.Null(ProcFs.Stat(pid)); // ended, and reaped
        var (_, ended) = Shell("exit 4");
        Assert.Equal(4, (await ended.WaitAsync(TimeSpan.FromSeconds(20))).Code);
    }

    [Fact]
    public async Task Watch_ListenerThrows_OtherExitsAreStillHeard()
    {
        var pid = Spawn("exit 1");
        var asked = new TaskCompletionSource();
        _exits.Watch(pid, _ => { }, (_, _) =>
        {
            asked.SetResult();
            throw new IOException("full");
        });
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));

        var (_, ended) = Shell("exit 4");

        Assert.Equal(4, (await ended.WaitAsync(TimeSpan.FromSeconds(20))).Code);
    }

    [Fact]
    public async Task Journal_DiskIsFull_StopsNothingAndIsMadeGoodLater()
    {
        var path = Path.Combine(_directory, "processes");
        File.CreateSymbolicLink(path, Path.Combine(_directory, "none", "none")); // cannot be created
        File.CreateSymbolicLink(path + ".new", "/dev/full"); // every write: no space left on device
        using var journal = ProcessJournal.Open(_directory, out _);
        var (first, firstEnded) = Shell("sleep 1000");
        var (second, secondEnded) = Shell("sleep 1000");

        journal.Started(first, "uid-1", "app");
        File.Delete(path + ".new");
        journal.Started(second, "uid-2", "app");

        var lines = await File.ReadAllLinesAsync(path);
        Assert.Equal([$"+ {first.Pid} {first.StartTicks} uid-1 app", $"+ {second.Pid} {second.StartTicks} uid-2 app"], lines.Skip(1));
        first.KillSession();
        second.KillSession();
        await Task.WhenAll(firstEnded, secondEnded).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Journal_AfterACrash_EndsWhatWasLeft()
    {
        using (var journal = ProcessJournal.Open(_directory, out var none))
        {
            Assert.Equal(0, none);
            var (survivor, ended) = Shell("sleep 1000 & echo $!; sleep 1001");
            journal.Started(survivor, "uid-1", "app");
            var (finished, finishedEnd) = Shell("exit 0", "other");
            journal.Started(finished, "uid-1", "other");
            await finishedEnd;
            journal.Ended(finished);

            // No orderly end: the next run finds the file as it is.
            using var next = ProcessJournal.Open(_directory, out var orphans);

            Assert.Equal(1, orphans);
            Assert.Equal(137, (await ended.WaitAsync(TimeSpan.FromSeconds(20))).ExitCode);
        }
        using var last = ProcessJournal.Open(_directory, out var left);
        Assert.Equal(0, left);
    }

    [Fact]
    public async Task Journal_PidGivenToAnother_IsLeftAlone()
    {
        var (innocent, ended) = Shell("sleep 1000");
        var boot = (await File.ReadAllTextAsync("/proc/sys/kernel/random/boot_id")).Trim();
        await File.WriteAllTextAsync(
            Path.Combine(_directory, "processes"),
            string.Create(CultureInfo.InvariantCulture, $"boot {boot}\n+ {innocent.Pid} {innocent.StartTicks - 1} uid-1 app\n+ {innocent.Pid}"));

        using var journal = ProcessJournal.Open(_directory, out var orphans);

        Assert.Equal(0, orphans);
        Assert.False(ended.IsCompleted);
        Assert.NotNull(ProcFs.Stat(innocent.Pid));
        innocent.KillSession();
        await ended;
    }

    [Fact]
    public async Task KillAll_WhileAProgramIsBeingStarted_EndsItTooAndLetsNoOtherStart()
    {
        using var journal = ProcessJournal.Open(_directory, out _);
        var ended = new TaskCompletionSource<ExitStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var spawned = new ManualResetEventSlim();
        var killing = new TaskCompletionSource();
        var starting = Task.Factory.StartNew(
            () => journal.Spawn(() =>
            {
                var pid = Spawn("sleep 1000");
                spawned.Set();
                killing.Task.Wait();
                return _exits.Watch(pid, child => journal.Started(child, "uid-1", "app"), (_, status) => ended.TrySetResult(status));
            }),
            TaskCreationOptions.LongRunning);
        spawned.Wait();

        var kill = Task.Factory.StartNew(journal.KillAll, TaskCreationOptions.LongRunning);
        while (!journal.IsEnding)
        {
            await Task.Yield();
        }
        killing.SetResult();
        await kill;

        Assert.Equal(137, (await ended.Task.WaitAsync(TimeSpan.FromSeconds(20))).ExitCode);
        await starting;
        Assert.Throws<OperationCanceledException>(() => journal.Spawn(() => throw new InvalidOperationException("started all the same")));
    }

    private (ChildProcess Child, Task<ExitStatus> Ended) Shell(string script, string log = "log")
    {
        var ended = new TaskCompletionSource<ExitStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        return (_exits.Watch(Spawn(script, log), static _ => { }, (_, status) => ended.TrySetResult(status)), ended.Task);
    }

    private int Spawn(string script, string log = "log")
    {
        var output = Libc.open(Path.Combine(_directory, log), Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND | Libc.O_CLOEXEC, 0x1A0);
        var pid = ProcessSpawner.Spawn(new SpawnRequest
        {
            Program = "/bin/sh", Arguments = ["sh", "-c", script], Environment = ["PATH=/usr/bin:/bin"], WorkingDirectory = "/", Output = output,
        });
        _ = Libc.close(output);
        return pid;
    }
}
