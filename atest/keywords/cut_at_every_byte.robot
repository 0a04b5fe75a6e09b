*** Settings ***
Documentation     Connections are cut at every byte of an exchange, and it is seen; where that is not so, it fails.

Library           WaybillLibrary.Cuts
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    faulty_links=True
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      120 seconds


*** Test Cases ***
Connections are cut everywhere and nothing is lost
    Cut At Every Byte    pairs=8
    Check History
    Figure Should Be At Least    cut_points    500

Cuts that nothing meets show nothing
    Cuts Come Too Late
    Run Keyword And Expect Error    FaultWithoutEffect: *in the middle of an exchange; 4 exchanges later they are not.
    ...    Cut At Every Byte    pairs=1
    [Teardown]    Run Keywords    Cuts Come Too Late    ${False}    AND    End Scenario

A delivery that does not come is told
    The Server Misbehaves    DROP    every=1
    Run Keyword And Expect Error    DeadlinePassed: *receiver-1*    Cut At Every Byte    pairs=1    deadline=500ms

A target that was not started for it says so
    End Scenario
    Stop Target
    Start
    Begin
    Run Keyword And Expect Error    MeansMissing: Links to reference cannot be disturbed: it was not started for that*
    ...    Cut At Every Byte    pairs=1
