*** Settings ***
Documentation     The server runs short of something, or a device does not read, and both are seen to begin and to end.

Library           WaybillLibrary.Resources
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    faulty_disk=True
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Sessions go on while the server is without file handles
    Connect People    alice and bob
    Take File Handles
    Send Messages    alice    bob    count=5
    Run Keyword And Expect Error    *    Connect People    carol
    Give File Handles Back
    Connect People    carol
    Check History

A shortage that nobody met proves nothing
    Connect People    alice
    Take File Handles
    Run Keyword And Expect Error    FaultWithoutEffect: node opened and accepted nothing*    Give File Handles Back

A slow server loses nothing
    Connect People    alice and bob
    Slow Server Down    share=0.2
    Send Messages    alice    bob    count=20
    Wait Until Acknowledged
    Let Server Run
    Check History

A share that is none is refused
    Connect People    alice
    Run Keyword And Expect Error    ValueError: Expected a share between 0 and 1*    Slow Server Down    share=2
    Run Keyword And Expect Error    ValueError: No node is slowed down.    Let Server Run

A slow consumer gets everything in the end
    Connect People    alice and bob
    Stop Reading    bob
    Send Messages    alice    bob    count=50
    Wait Until Acknowledged
    Read On    bob
    Check History

A consumer from whom nothing was held back proves nothing
    Connect People    bob
    Stop Reading    bob
    Run Keyword And Expect Error    FaultWithoutEffect: No acknowledged message waited for bob/phone*    Read On    bob
