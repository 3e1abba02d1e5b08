using System.Text;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Logs;

namespace Serval.Node.Tests;

public sealed class LogTests : IDisposable
{
    private static readonly ObjectKey s_pod = new("default", "p1");
    private readonly string _directory = Directory.CreateTempSubdirectory("serval-log-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(null, null, "a\nbb\nccc")]
    [InlineData(1L, null, "ccc")]
    [InlineData(2L, null, "bb\nccc")]
    [InlineData(9L, null, "a\nbb\nccc")]
    [InlineData(0L, null, "")]
    [InlineData(null, 4L, "a\nbb")]
    [InlineData(2L, 3L, "bb\n")]
    public async Task Copy_TailAndLimit_AsKubectlAsks(long? tail, long? limit, string expected)
    {
        var path = Path.Combine(_directory, "0.log");
        await File.WriteAllTextAsync(path, "a\nbb\nccc");
        Assert.Equal(expected, await CopyAsync(path, new LogOptions { TailLines = tail, LimitBytes = limit }, new ManualTime()));
    }

    [Fact]
    public async Task Copy_TimestampsAndSince_ComeFromTheTimesBytesWereSeen()
    {
        var time = new ManualTime();
        using var indexer = new LogIndexer(time);
        var path = Path.Combine(_directory, "0.log");
        await File.WriteAllTextAsync(path, "first\n");
        using (var track = indexer.Track(path))
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await File.AppendAllTextAsync(path, "second\nthird\n");
            track.Look();
        }
        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(
            "2026-01-01T12:00:00.000000000Z first\n2026-01-01T12:00:10.000000000Z second\n2026-01-01T12:00:10.000000000Z third\n",
            await CopyAsync(path, new LogOptions { Timestamps = true }, time));
        Assert.Equal("second\nthird\n", await CopyAsync(path, new LogOptions { SinceSeconds = 6 }, time));
        Assert.Equal("first\nsecond\nthird\n", await CopyAsync(path, new LogOptions { SinceSeconds = 60 }, time));
        Assert.Equal("", await CopyAsync(path, new LogOptions { SinceTime = time.GetUtcNow() }, time));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    public async Task Copy_SinceATimeToCome_GivesNothingThatIsThere_WhetherIndexedOrNot(long? tail)
    {
        var time = new ManualTime();
        var path = Path.Combine(_directory, "0.log");
        await File.WriteAllTextAsync(path, "not in the index yet\nnor is this\n");

        Assert.Equal("", await CopyAsync(path, new LogOptions { SinceTime = time.GetUtcNow().AddSeconds(10), TailLines = tail }, time));
    }

    [Fact]
    public async Task Copy_FollowSinceATimeToCome_GivesTheLinesThatBeginThen()
    {
        var time = new ManualTime();
        using var indexer = new LogIndexer(time);
        var path = Path.Combine(_directory, "0.log");
        await File.WriteAllTextAsync(path, "before\nbegun bef");
        var track = indexer.Track(path);
        var output = new FlushedStream();
        var copy = new LogReader(path, track, time).CopyAsync(new LogOptions { SinceTime = time.GetUtcNow().AddSeconds(10), Follow = true }, output, CancellationToken.None);
        await output.Flushed.Task;

        time.Advance(TimeSpan.FromSeconds(10));
        await File.AppendAllTextAsync(path, "ore\nafter\n");
        track.Dispose();
        await copy;

        Assert.Equal("after\n", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Track_LongLog_GivesItsOldPartBackAndLosesNothingNew()
    {
        using var indexer = new LogIndexer(new ManualTime());
        var path = Path.Combine(_directory, "0.log");
        var line = Encoding.UTF8.GetBytes(new string('x', 1023) + "\n");
        var block = Enumerable.Repeat(line, 1024).SelectMany(l => l).ToArray();
        await using (var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            for (var i = 0; i < 75; i++)
            {
                await file.WriteAsync(block);
            }
        }
        indexer.Track(path).Dispose();

        var text = await CopyAsync(path, new LogOptions(), new ManualTime());

        Assert.InRange(text.Length, 50 << 20, 61 << 20);
        Assert.StartsWith("xxx", text);
        Assert.EndsWith("x\n", text);
        Assert.Equal(0, text.Length % 1024);
    }

    [Fact]
    public async Task Copy_TailOfALongLog_DoesNotCountWhatWasGivenBack()
    {
        using var indexer = new LogIndexer(new ManualTime());
        var path = Path.Combine(_directory, "0.log");
        await File.WriteAllTextAsync(path, "lost\n");
        await using (var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(1L << 40); // the whole hole could not be read in a lifetime of this test
            file.Seek(0, SeekOrigin.End);
            await file.WriteAsync("cut\none\ntwo\n"u8.ToArray());
        }
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            Assert.Equal(0, Processes.Libc.fallocate((int)file.DangerousGetHandle(), 3, 0, 4096));
        }

        Assert.Equal("one\ntwo\n", await CopyAsync(path, new LogOptions { TailLines = 1000 }, new ManualTime()));
    }

    [Fact]
    public async Task Track_IndexCannotBeWritten_FollowersStillGetEveryLine()
    {
        using var indexer = new LogIndexer(new ManualTime());
        var path = Path.Combine(_directory, "0.log");
        await File.WriteAllTextAsync(path, "first\n");
        File.CreateSymbolicLink(LogIndex.PathOf(path), "/dev/full"); // every write: no space left on device
        using var track = indexer.Track(path);

        await File.AppendAllTextAsync(path, "second\n");

        Assert.True(await track.WaitBeyondAsync(6, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
        track.Dispose();
        Assert.Equal("first\nsecond\n", await CopyAsync(path, new LogOptions(), new ManualTime()));
    }

    [Fact]
    public async Task Track_ChattyProgram_KeepsItsIndexSmallAndTimesRoughlyRight()
    {
        var time = new ManualTime(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var indexer = new LogIndexer(time) { MostEntries = 1000 };
        var path = Path.Combine(_directory, "0.log");
        await File.WriteAllTextAsync(path, "");
        using (var track = indexer.Track(path))
        {
            for (var i = 0; i < 5000; i++)
            {
                await File.AppendAllTextAsync(path, $"{i:0000}\n");
                time.Advance(TimeSpan.FromMilliseconds(100));
                track.Look();
            }
        }

        Assert.InRange(new FileInfo(LogIndex.PathOf(path)).Length, 1, 1000 * LogIndex.EntrySize);
        var lines = (await CopyAsync(path, new LogOptions { Timestamps = true }, time)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(5000, lines.Length);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.All(lines.Index(), l => Assert.InRange(
            DateTimeOffset.Parse(l.Item.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture) - start,
            TimeSpan.FromMilliseconds(100 * l.Index),
            TimeSpan.FromMilliseconds(100 * (l.Index + 1)) + TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task Find_Answered_LeavesNothingWithThePod()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo up; sleep 60"));
        await node.LogAsync("up");

        var answer = await AskAsync(node);
        await AskAsync(node); // the pod may hold its last one
        await Poll.UntilAsync(() =>
        {
            GC.Collect();
            return !answer.IsAlive;
        });

        // What held the answer is gone when this returns.
        static async Task<WeakReference> AskAsync(TestNode node)
        {
            var asked = node.Agent.FindWorker(s_pod)!.FindLogAsync("", previous: false);
            await asked;
            return new WeakReference((await asked).Path);
        }
    }

    [Fact]
    public async Task RequestLog_IsReadAsTheSidecars_AndThePodNamesIt()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo up; sleep 60"));
        await node.LogAsync("up");
        var worker = node.Agent.FindWorker(s_pod)!;
        var uid = worker.Identity.Pod.Metadata.Uid;
        var (path, track) = await worker.FindLogAsync("queue-proxy", previous: false);
        Assert.Equal("", await CopyAsync(path, new LogOptions(), new ManualTime())); // nobody has logged yet: empty, as --all-containers wants it
        var named = node.WhenAsync(_ => Named() is not null);

        node.Agent.AppendRequestLog(uid, "one\n"u8);
        node.Agent.AppendRequestLog(uid, "two\n"u8);
        node.Agent.AppendRequestLog("gone", "lost\n"u8);

        Assert.True(await track!.WaitBeyondAsync(4, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("one\ntwo\n", await CopyAsync(path, new LogOptions(), new ManualTime()));
        await named;
        Assert.Equal("""[{"image":"serval","name":"queue-proxy"}]""", Named());
        await Assert.ThrowsAsync<ApiException>(() => worker.FindLogAsync("queue-proxy", previous: true));

        string? Named() => node.Kube.Cache(Kinds.Pod).Get(s_pod)!.ToTree()["spec"]!["ephemeralContainers"]?.ToJsonString();
    }

    [Fact]
    public async Task RequestLog_LineAfterThePodsDirectoryWent_DoesNotMakeItAgain()
    {
        await using var node = await TestNode.StartAsync();
        await node.CreateAsync(TestNode.Shell("echo up; exec sleep 60"));
        await node.LogAsync("up");
        var uid = node.Agent.FindWorker(s_pod)!.Identity.Pod.Metadata.Uid;
        var answer = new TaskCompletionSource();
        node.Kube.RemovalAnswer = answer.Task; // until then the pod is known
        try
        {
            await node.Kube.DeleteAsync(Kinds.Pod, s_pod, DeleteOptions.Background);
            await node.WhenGoneAsync();

            node.Agent.AppendRequestLog(uid, "late\n"u8);

            Assert.Empty(Directory.GetDirectories(Path.Combine(node.Data, "pods")));
        }
        finally
        {
            answer.SetResult();
        }
    }

    [Fact]
    public void Index_Thinned_DropsWhatTheLogNoLongerHolds()
    {
        var path = Path.Combine(_directory, "0.log");
        var entries = new byte[3 * LogIndex.EntrySize];
        for (var i = 0; i < 3; i++)
        {
            LogIndex.Encode(entries.AsSpan(i * LogIndex.EntrySize), 100 * (i + 1), new DateTimeOffset(2026, 1, 1, 0, 0, i, TimeSpan.Zero));
        }
        File.WriteAllBytes(LogIndex.PathOf(path), entries);

        LogIndex.Thin(path, first: 100, most: 10);

        Assert.Equal(entries[LogIndex.EntrySize..], File.ReadAllBytes(LogIndex.PathOf(path)));
    }

    [Fact]
    public async Task Container_EndsWhileTheDiskIsFull_IsStillNotedAndCanBeDeleted()
    {
        await using var node = await TestNode.StartAsync();
        var logs = Path.Combine(node.Data, "pods", "default_p1_uid-1", "app");
        Directory.CreateDirectory(logs);
        File.CreateSymbolicLink(Path.Combine(logs, "0.idx"), "/dev/full");
        await node.CreateAsync(TestNode.Shell("echo bye; exit 3", pod: p =>
        {
            p["metadata"]!["uid"] = "uid-1";
            p["spec"]!["restartPolicy"] = "Never";
        }));

        var pod = await node.WhenAsync(p => p.Status.Phase == "Failed");

        Assert.Equal(3, pod.Status.ContainerStatuses[0].State.Terminated!.ExitCode);
        await node.Kube.DeleteAsync(Kinds.Pod, s_pod, DeleteOptions.Background);
        await node.WhenGoneAsync();
    }

    [Fact]
    public async Task Logs_Follow_EndsWithTheContainer_AndPreviousIsKept()
    {
        var time = new ManualTime();
        await using var node = await TestNode.StartAsync(time);
        var flag = Path.Combine(node.Data, "flag");
        await node.CreateAsync(TestNode.Shell($"echo run; until test -e {flag}; do sleep 0.01; done; echo end; exit 1"));
        await node.LogAsync("run");
        var all = new MemoryStream();
        var follow = node.Agent.Streams.CopyLogsAsync(s_pod, new LogOptions { Follow = true }, all, CancellationToken.None);
        await File.WriteAllTextAsync(flag, "");

        await follow.WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal("run\nend\n", Encoding.UTF8.GetString(all.ToArray()));
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ RestartCount: 1, State.Waiting.Reason: "CrashLoopBackOff" }]);
        var previous = new MemoryStream();
        await node.Agent.Streams.CopyLogsAsync(s_pod, new LogOptions { Previous = true }, previous, CancellationToken.None);
        Assert.Equal("run\nend\n", Encoding.UTF8.GetString(previous.ToArray()));
    }

    [Fact]
    public async Task Logs_OfWhatIsNotThere_SayWhy()
    {
        await using var node = await TestNode.StartAsync();
        node.MissingImage = "gone";
        await node.CreateAsync(TestNode.Shell("true"));
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Waiting.Reason: "ImagePullBackOff" }]);

        Assert.Equal("container \"app\" in pod \"p1\" is waiting to start: ImagePullBackOff: gone", await FailAsync(node, s_pod, ""));
        Assert.Equal("container x is not valid for pod p1", await FailAsync(node, s_pod, "x"));
        Assert.Equal("container ../app is not valid for pod p1", await FailAsync(node, s_pod, "../app"));
        Assert.Equal("pods \"../p1\" not found", await FailAsync(node, new ObjectKey("default", "../p1"), ""));
        Assert.Equal("pods \"p2\" not found", await FailAsync(node, new ObjectKey("default", "p2"), ""));
    }

    private static async Task<string> FailAsync(TestNode node, ObjectKey pod, string container) => (await Assert.ThrowsAsync<ApiException>(
        () => node.Agent.Streams.CopyLogsAsync(pod, new LogOptions { Container = container }, Stream.Null, CancellationToken.None))).Message;

    private static async Task<string> CopyAsync(string path, LogOptions options, TimeProvider time)
    {
        var output = new MemoryStream();
        await new LogReader(path, null, time).CopyAsync(options, output, CancellationToken.None);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private sealed class FlushedStream : MemoryStream
    {
        public TaskCompletionSource Flushed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Flushed.TrySetResult();
            return Task.CompletedTask;
        }
    }
}
