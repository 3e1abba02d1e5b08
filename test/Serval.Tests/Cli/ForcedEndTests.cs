using Serval.Cli;

namespace Serval.Tests.Cli;

public sealed class ForcedEndTests
{
    [Fact]
    public void Run_WhatIsLeftFails_IsToldAndDoesNotKeepTheProgramFromEnding()
    {
        var end = new ForcedEnd();
        end.Register(() => throw new IOException("/proc cannot be read"));
        var told = new List<string>();

        end.Run(told.Add);

        Assert.Equal(["not everything may have ended: /proc cannot be read"], told);
    }

    [Fact]
    public void Code_OfACommandThatReturnsMeanwhile_SaysInterrupted()
    {
        var end = new ForcedEnd();
        Assert.Equal(ExitCodes.Ok, end.CodeAfter(ExitCodes.Ok));

        end.Run(_ => { });

        Assert.Equal(ExitCodes.Interrupted, end.CodeAfter(ExitCodes.Ok));
    }
}
